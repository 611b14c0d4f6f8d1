package boot

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnUpdateThatDoesNotProveItselfInItsTimeHasFailed(t *testing.T) {
	for name, c := range map[string]struct {
		until  time.Duration // on trial
		down   time.Duration // the box goes down
		failed bool
		takes  time.Duration
	}{
		"no update":            {0, time.Hour, false, 0},
		"good after a minute":  {time.Minute, time.Hour, false, trialTime},
		"never good":           {time.Hour, time.Hour, true, trialTime},
		"restarted by someone": {time.Hour, time.Minute, false, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), c.down)
				defer cancel()
				got := failed(ctx, func() bool { return time.Since(start) < c.until })
				if took := time.Since(start); got != c.failed || took != c.takes {
					t.Errorf("got %v after %v, want %v after %v", got, took, c.failed, c.takes)
				}
			})
		})
	}
}
