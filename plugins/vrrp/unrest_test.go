package vrrp

import (
	"testing"
	"time"
)

func TestALoopThatTurnsWithoutEndIsEnded(t *testing.T) {
	const turn = time.Millisecond
	for name, c := range map[string]struct {
		wait   time.Duration
		advert bool
		ends   bool
	}{
		"it never waits":             {ends: true},
		"it waits":                   {wait: aWait},
		"it is flooded with adverts": {advert: true},
	} {
		t.Run(name, func(t *testing.T) {
			var u unrest
			var ended time.Duration
			for now := time.Second; now < 20*time.Second && ended == 0; now += turn {
				if u.note(now-c.wait, now) != nil {
					ended = now
				}
				if c.advert {
					u.worked(now)
				}
			}
			if c.ends != (ended != 0) || c.ends && ended < time.Second+noLonger {
				t.Errorf("it was ended after %v", ended)
			}
		})
	}
}
