package director

import "testing"

func TestADirectorHasLookedWhenEveryRealServerHasAVerdict(t *testing.T) {
	d, _ := New(web(1, 1), Seed{Now: start})
	if d.Looked() {
		t.Error("it has looked before the first verdict")
	}
	take(d, up(id(1)))
	if d.Looked() {
		t.Error("it has looked with one server unknown")
	}
	take(d, down(id(2)))
	if !d.Looked() {
		t.Error("it has not looked with a verdict on each")
	}
}

func TestChecksThatRestAreNotWaitedFor(t *testing.T) {
	d, _ := New(following(1), Seed{Now: start})
	if !d.Looked() {
		t.Error("checks that rest are waited for")
	}
}

func TestARestartHasLookedAlready(t *testing.T) {
	d, _ := New(web(1, 1), Seed{Now: start, Verdicts: journal(up(id(1)), down(id(2)))})
	if !d.Looked() {
		t.Error("the journal's verdicts count for nothing")
	}
}
