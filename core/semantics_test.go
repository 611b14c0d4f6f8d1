package core

import (
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// rewrite changes the configuration's text.
func (b *box) rewrite(old, with string) {
	b.t.Helper()
	text, err := os.ReadFile(b.config)
	if err != nil || !strings.Contains(string(text), old) {
		b.t.Fatalf("no %q in the configuration: %v", old, err)
	}
	b.writeText(strings.Replace(string(text), old, with, 1))
}

func TestTheBrakeHoldsUntilAnOperatorReleasesIt(t *testing.T) {
	b := newBox(t)
	b.rewrite(`name = "lb1"`, "brake {\n minimum = 2\n limit = \"1h\"\n}")
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.up("one", false)
	b.up("two", false)
	st := b.eventually("the brake holds both", func(st *controlv1.StatusResponse) bool { return st.Brake.GetHeld() == 2 })
	if got := states(st); got != "up 3, up 1" {
		t.Errorf("the servers are %s", got)
	}
	r, err := b.ReleaseBrake(t.Context(), &controlv1.ReleaseBrakeRequest{})
	if err != nil || !r.Held {
		t.Fatalf("got %v, %v", r, err)
	}
	b.eventually("both are out", func(st *controlv1.StatusResponse) bool {
		return strings.Count(states(st), "down - ") == 2 && st.Brake == nil
	})
	if r, err := b.ReleaseBrake(t.Context(), &controlv1.ReleaseBrakeRequest{}); err != nil || r.Held {
		t.Errorf("once more: %v, %v", r, err)
	}
}

func TestTheBrakeLetsGoWhenItsTimeIsOver(t *testing.T) {
	b := newBox(t)
	b.rewrite(`name = "lb1"`, "brake {\n minimum = 2\n limit = \"1s\"\n}")
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.up("one", false)
	b.up("two", false)
	b.eventually("the brake holds", func(st *controlv1.StatusResponse) bool { return st.Brake != nil })
	b.eventually("both are out", func(st *controlv1.StatusResponse) bool { return strings.Count(states(st), "down - ") == 2 })
}

func TestASlowStartClimbsByTheClock(t *testing.T) {
	b := newBox(t)
	b.write(100)
	b.rewrite("weight = 100", "weight = 100\n slow_start = \"2s\"")
	b.start()
	b.eventually("both servers are in", are("up 100, up 1"))
	b.up("one", false)
	b.eventually("it is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "down - ") })
	b.up("one", true)
	for _, want := range []string{"up 1, up 1", "up 50, up 1", "up 100, up 1"} {
		st := b.eventually("it has "+want, func(st *controlv1.StatusResponse) bool {
			s := states(st)
			return s == want || want == "up 50, up 1" && strings.HasPrefix(s, "up 5") // a tick may be late
		})
		if rs := st.VirtualServers[0].RealServers[0]; (want == "up 100, up 1") == strings.Contains(rs.WeightReason, "slow start") {
			t.Errorf("at %s the reason is %q", want, rs.WeightReason)
		}
	}
}
