package core

import (
	"testing"
	"time"
)

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
