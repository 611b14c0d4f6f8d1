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

func TestALoopOnAMachineThatStoodStillGoesOn(t *testing.T) {
	var u unrest
	now := time.Second
	for pause := range 10 { // each time all that was to happen meanwhile is due at once
		now += time.Minute
		for range 50 {
			now += time.Millisecond
			if err := u.note(now, now); err != nil {
				t.Fatalf("after pause %d: %v", pause, err)
			}
		}
		u.note(now-time.Second, now)
	}
}
