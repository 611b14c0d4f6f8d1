package core

import (
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/core/director"
)

func TestVerdictsWaitUntilTheyMayBeWrittenDown(t *testing.T) {
	d := &daemon{director: &director.Director{}, saveAfter: time.Now().Add(time.Hour)}
	d.unsaved.Store(true)
	d.saveVerdicts(t.Context())
	if !d.unsaved.Load() || d.busy.Load() {
		t.Errorf("unsaved %t, being written %t: they were written too early, or never will be", d.unsaved.Load(), d.busy.Load())
	}
}

func TestVerdictsAreWrittenDownATwentiethOfTheTime(t *testing.T) {
	begun := time.Unix(1000, 0)
	for _, c := range []struct{ took, after time.Duration }{
		{0, 0},
		{10 * time.Millisecond, 190 * time.Millisecond},
		{time.Second, 19 * time.Second},
		{time.Minute, 30 * time.Second},
	} {
		ended := begun.Add(c.took)
		if got := nextSave(begun, ended).Sub(ended); got != c.after {
			t.Errorf("after %v of writing the next is %v later, want %v", c.took, got, c.after)
		}
	}
}
