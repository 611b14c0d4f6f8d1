package bench

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func report() *Report {
	r := &Report{Log: io.Discard}
	r.goal("start, s", 1)
	r.goal("reload, s", 0.1)
	r.Row("nothing was measured of this")
	for _, v := range []float64{2, 1, 3} {
		r.add("start, s", evenkeel, v)
		r.add("start, s", keepalived, 4*v)
		r.add("start, s", ipvsadm, 9)
		r.add("reload, s", evenkeel, v)
		r.add("reload, s", keepalived, v)
	}
	return r
}

func TestTableHasTheRatioOfTheMediansAndSaysIfAGoalIsMet(t *testing.T) {
	want := `|           | evenkeel  | keepalived | ratio | goal           | ipvsadm -R |
| --------- | --------- | ---------- | ----- | -------------- | ---------- |
| start, s  | 1 / 2 / 3 | 4 / 8 / 12 | 0.25  | <= 1: met      | 9 / 9 / 9  |
| reload, s | 1 / 2 / 3 | 1 / 2 / 3  | 1.00  | <= 0.1: missed | -          |
`
	if d := cmp.Diff(want, report().Markdown()); d != "" {
		t.Error(d)
	}
}

func TestCountIsComparedWithItsGoal(t *testing.T) {
	r := &Report{Log: io.Discard}
	r.count("writes", 1)
	r.add("writes", evenkeel, 1)
	r.add("writes", evenkeel, 1)
	if got := r.Markdown(); !strings.Contains(got, "| 1: met ") {
		t.Errorf("1 and 1 where 1 is wanted:\n%s", got)
	}
	r.add("writes", evenkeel, 2)
	if got := r.Markdown(); !strings.Contains(got, "| 1: missed ") {
		t.Errorf("1, 1 and 2 where 1 is wanted:\n%s", got)
	}
}

func TestNoRatioWithoutBothSides(t *testing.T) {
	r := &Report{Log: io.Discard}
	r.add("a", evenkeel, 1)
	r.add("b", keepalived, 1)
	r.add("c", evenkeel, 1)
	r.add("c", keepalived, 0)
	for _, name := range []string{"a", "b", "c"} {
		if q, ok := r.Row(name).Ratio(); ok {
			t.Errorf("%s: ratio %v, want none", name, q)
		}
	}
}

func TestEveryValueIsSaidAsItComes(t *testing.T) {
	var log strings.Builder
	r := &Report{Log: &log}
	r.add("start, s", keepalived, 1.5)
	if got := strings.Fields(log.String()); cmp.Diff([]string{"start,", "s", "keepalived", "1.50"}, got) != "" {
		t.Errorf("said %q", log.String())
	}
}

func TestPartsAndSizesThatDoNotExistAreRefused(t *testing.T) {
	for _, o := range []Options{{Only: "nothing"}, {Scale: 1001}, {Scale: -1}, {Evenkeel: "/nowhere/evenkeel"}} {
		if err := o.complete(); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	o := Options{Evenkeel: "/bin/sh", Keepalived: "/bin/sh"}
	if err := o.complete(); err != nil || o.Scale != 1000 {
		t.Errorf("got %+v, %v", o, err)
	}
}
