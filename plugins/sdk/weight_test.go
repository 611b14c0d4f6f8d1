package sdk

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

func TestAFactorIsBoundedAndTellsNothingFromAll(t *testing.T) {
	for _, tt := range []struct {
		percent, want int
		text          string
	}{{-5, 0, "0%"}, {0, 0, "0%"}, {33, 33, "33%"}, {100, 100, "100%"}, {1000, 1000, "1000%"}, {1 << 40, 1000, "1000%"}} {
		f := FactorOf(tt.percent)
		if got, ok := f.Percent(); !ok || got != tt.want || f.String() != tt.text {
			t.Errorf("FactorOf(%d) is %d, %t, %s", tt.percent, got, ok, f)
		}
	}
	if percent, ok := Factor(0).Percent(); ok || percent != 100 || Factor(0).String() != "100%" {
		t.Errorf("the zero Factor says %d, %t", percent, ok)
	}
}

func TestAWeightBeyondTheBoundIsRefusedFromTheWire(t *testing.T) {
	for percent, good := range map[uint32]bool{0: true, 1000: true, 1001: false, 1<<32 - 1: false} {
		m := verdictOut(Verdict{TargetID: "a", State: StateUp})
		m.WeightPercent = &percent
		if _, err := verdictIn(m); (err == nil) != good {
			t.Errorf("a verdict of %d %%: %v", percent, err)
		}
		o := targetOut(Target{ID: "a"})
		o.WeightPercent = &percent
		if _, err := targetIn(o); (err == nil) != good {
			t.Errorf("a target of %d %%: %v", percent, err)
		}
	}
}

// verdictsOf returns the verdicts on one target of a probe, until there are n.
func verdictsOf(t *testing.T, n int, weighs bool, probe func(context.Context, Target, pathConfig) error) []Verdict {
	t.Helper()
	r := newRunner(Host{Logger: hclog.NewNullLogger()}, weighs, probe, nil)
	t.Cleanup(func() { r.Stop(context.Background(), false) })
	target := configured("a", "/")
	target.Schedule.Interval = 10 * time.Millisecond
	if err := r.Apply(t.Context(), TargetUpdate{Full: true, Targets: []Target{target}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var got []Verdict
	r.Watch(ctx, func(rep CheckReport) {
		for _, v := range rep.Verdicts {
			if v.Since = (time.Time{}); v.State != StateUnknown {
				got = append(got, v)
			}
		}
		if len(got) >= n {
			cancel()
		}
	})
	return got
}

func TestWhatAProbeSaysOfTheWeightIsInTheVerdict(t *testing.T) {
	got := verdictsOf(t, 1, true, func(ctx context.Context, _ Target, _ pathConfig) error {
		SetWeight(ctx, 50, "a first thought")
		SetWeight(ctx, 33, "the agent says 33%")
		return nil
	})
	want := []Verdict{{TargetID: "a", State: StateUp, Factor: FactorOf(33), Reason: "the agent says 33%"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestATypeThatDoesNotDeclareWeightsMaySayNone(t *testing.T) {
	got := verdictsOf(t, 1, false, func(ctx context.Context, _ Target, _ pathConfig) error {
		SetWeight(ctx, 33, "the agent says 33%")
		return nil
	})
	if len(got) != 1 || got[0].State != StateDown || !strings.Contains(got[0].Reason, "set Weighs in its schema") {
		t.Errorf("it says %+v", got)
	}
}

func TestOutsideOfAPluginAWeightIsHeardByWhoListens(t *testing.T) {
	SetWeight(t.Context(), 33, "nobody listens")
	ctx, said := Weighing(t.Context())
	if f, reason := said(); f != 0 || reason != "" {
		t.Errorf("before: %v, %q", f, reason)
	}
	SetWeight(ctx, 0, "drained")
	if f, reason := said(); f != FactorOf(0) || reason != "drained" {
		t.Errorf("after: %v, %q", f, reason)
	}
}
