package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

func TestAnswersAreShownAgainstTheWeights(t *testing.T) {
	var b strings.Builder
	p := printer{out: &b, began: time.Now()}
	p.answers(map[string]int{"rs1": 25, traffic.Failed: 75}, map[string]int{"rs1": 1, "rs2": 3})
	want := `
    answered     weight expected  answers    share
    FAILED            0     0.0%       75    75.0%  ##############################
    rs1               1    25.0%       25    25.0%  ##########
    rs2               3    75.0%        0     0.0%

`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestStepIsSeenBeforeItIsOver(t *testing.T) {
	var b strings.Builder
	p := printer{out: &b, began: time.Now()}
	p.step("booting %s", "dir1")
	if got := b.String(); got != "[  0.0 s] booting dir1 ..." {
		t.Errorf("while it lasts: %q", got)
	}
	p.done("%s", "1.50 s")
	if got := b.String(); got != "[  0.0 s] booting dir1 ... 1.50 s\n" {
		t.Errorf("when it is over: %q", got)
	}
}

func TestSharesMayDifferByOneRound(t *testing.T) {
	weights := map[string]int{"rs1": 1, "rs2": 2, "rs3": 3}
	for _, c := range []struct {
		counts map[string]int
		ok     bool
	}{
		{map[string]int{"rs1": 20, "rs2": 40, "rs3": 60}, true},
		{map[string]int{"rs1": 20, "rs2": 40, "rs3": 63}, true},
		{map[string]int{"rs1": 40, "rs2": 40, "rs3": 40}, false},
		{map[string]int{"rs1": 20, "rs2": 40, "rs3": 59, traffic.Failed: 1}, false},
		{map[string]int{}, true},
	} {
		d := &show{}
		var answers []traffic.Answer
		for name, n := range c.counts {
			answers = append(answers, slices.Repeat([]traffic.Answer{{Who: name}}, n)...)
		}
		d.checkShares(answers, weights)
		if ok := len(d.wrong) == 0; ok != c.ok {
			t.Errorf("%v: %q, want ok: %v", c.counts, d.wrong, c.ok)
		}
	}
}

func TestShowEndsWithAnErrorWhenSomethingWasWrong(t *testing.T) {
	var b strings.Builder
	d := &show{printer: printer{out: &b, began: time.Now()}}
	d.measure("boot", "%s", "2 s")
	if err := d.finish(); err != nil {
		t.Errorf("nothing was wrong: %v", err)
	}
	d.expect(false, "%d requests failed after the verdict", 3)
	if err := d.finish(); err == nil || !strings.Contains(err.Error(), "3 requests failed") {
		t.Errorf("got %v", err)
	}
}
