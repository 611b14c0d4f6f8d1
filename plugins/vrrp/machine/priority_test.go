package machine

import (
	"testing"
	"time"
)

func priority(p uint8) func(*Config) { return func(c *Config) { c.Priority = p } }

func TestWeightsAddUpWithin1And254(t *testing.T) {
	for _, c := range []struct {
		base   uint8
		change int
		want   uint8
	}{
		{100, 0, 100}, {100, 20, 120}, {100, -20, 80},
		{100, -200, 1}, {100, 200, 254}, {254, 1, 254}, {1, -1, 1},
		{255, -254, 255}, {255, 10, 255},
	} {
		_, got := configured(t, config(priority(c.base), func(k *Config) { k.PriorityChange = c.change }))
		g := master(t, config(priority(c.base), func(k *Config) { k.PriorityChange = c.change }))
		if p := g.r.Instances()[0].Status().Priority; p != c.want {
			t.Errorf("%d with %+d is %d, want %d (%v)", c.base, c.change, p, c.want, got)
		}
	}
}

func TestAMasterAdvertisesItsEffectivePriorityFromTheNextAdvertOn(t *testing.T) {
	g := master(t, config())
	same(t, g.configure(config(func(c *Config) { c.PriorityChange = -30 })))
	same(t, g.after(time.Second), "VI_1 advert 70")
	same(t, g.hears(71, lower), "VI_1 remove addresses", "VI_1 advert 70", yieldHigh)
}

func TestAChangedPriorityMovesARunningTimerByTheDifference(t *testing.T) {
	for _, version := range []uint8{2, 3} {
		change := func(p uint8) Config { return config(priority(p), func(c *Config) { c.Version = version }) }
		g := backup(t, change(100))
		g.hears(200, lower)
		g.after(time.Second)
		g.configure(change(228)) // Skew_Time is half a second shorter
		g.takesOverAfter(down100 - time.Second - time.Second/2)

		g = backup(t, change(228))
		g.hears(0, lower)
		g.configure(change(100))
		g.takesOverAfter(skew100)
	}
}

func TestATimerThatAPriorityMovedIntoThePastIsDueNowAndNotLate(t *testing.T) {
	g := backup(t, config(priority(1)))
	g.after(3*time.Second + 900*time.Millisecond)
	same(t, g.configure(config(priority(254))))
	same(t, g.after(0), "VI_1 advert 254", "VI_1 add addresses", "VI_1 announce 5", tookOver)
	if n := g.r.Instances()[0].Status().Late; n != 0 {
		t.Errorf("%d timers counted late", n)
	}
}

func TestPreemptDelayBeginsWithTheFirstLowerAdvert(t *testing.T) {
	c := config(func(c *Config) { c.PreemptDelay = 10 * time.Second })
	g := backup(t, c)
	g.after(2 * time.Second)
	for range 10 { // at 0, 1, ... 9 s: left alone, and each adopted
		same(t, g.hears(50, lower))
		same(t, g.after(time.Second))
	}
	g.hears(50, lower) // at 10 s: discarded
	g.takesOverAfter(down100 - time.Second)

	g = backup(t, c)
	for range 5 {
		g.hears(50, lower)
		g.after(2*time.Second - 1)
	}
	g.hears(50, lower) // just before 10 s: adopted
	g.after(5)
	g.hears(50, lower)
	g.takesOverAfter(down100 - 5)
}

func TestPreemptDelayIsCancelledByAMasterThatIsNotLower(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.PreemptDelay = 2 * time.Second }))
	g.hears(50, lower)
	g.after(time.Second)
	g.hears(100, lower)
	g.after(time.Second)
	g.hears(50, lower) // the delay begins anew
	g.after(time.Second)
	g.hears(50, lower)
	g.takesOverAfter(down100)
}

func TestPreemptDelayDoesNotHoldWhenTheMasterIsGone(t *testing.T) {
	c := config(func(c *Config) { c.PreemptDelay = time.Minute })
	g := backup(t, c)
	g.hears(50, lower)
	g.hears(0, lower)
	g.takesOverAfter(skew100)
	g = backup(t, c)
	g.hears(50, lower)
	g.takesOverAfter(down100)
}

func TestPreemptDelayBeginsAnewWithEachTimeInBackup(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.PreemptDelay = 5 * time.Second }))
	g.hears(50, lower)
	g.after(10 * time.Second)
	g.in(Master)
	g.hears(101, lower)
	g.after(3 * time.Second)
	g.hears(50, lower)
	g.after(4 * time.Second) // it had been discarded if the first delay still counted
	g.in(Master)
	g = backup(t, config(func(c *Config) { c.PreemptDelay = 5 * time.Second }))
	g.hears(50, lower)
	g.after(10 * time.Second)
	g.hears(101, lower)
	g.after(3 * time.Second)
	g.hears(50, lower)
	g.takesOverAfter(down100)
}

func TestAnOwnerIgnoresPreemptDelay(t *testing.T) {
	g := backup(t, config(priority(255), func(c *Config) { c.StartupDelay, c.PreemptDelay = 1, time.Hour }))
	g.after(3 * time.Second)
	g.hears(254, higher)
	g.takesOverAfter(time.Second/256 + 1)
}

func TestStartupDelayComesOnTopOfMasterDown(t *testing.T) {
	c := config(func(c *Config) { c.StartupDelay = 30 * time.Second })
	g := backup(t, c)
	g.takesOverAfter(30*time.Second + down100)

	g = backup(t, c) // whatever is heard meanwhile
	g.hears(200, lower)
	g.hears(0, lower)
	g.takesOverAfter(30*time.Second + down100)

	g = backup(t, c) // a reload does not begin it anew
	g.after(20 * time.Second)
	g.configure(c)
	g.hears(200, lower)
	g.hears(0, lower)
	g.takesOverAfter(10*time.Second + down100)

	g = backup(t, c) // and it is over then
	g.after(33 * time.Second)
	g.hears(200, lower)
	g.takesOverAfter(down100)
	g.hears(200, lower)
	g.takesOverAfter(down100)
}

func TestAHigherPriorityDoesNotShortenAStartupDelay(t *testing.T) {
	delayed := func(c *Config) { c.StartupDelay = 30 * time.Second }
	g := backup(t, config(delayed))
	g.after(20 * time.Second)
	g.configure(config(delayed, priority(200)))
	g.takesOverAfter(10*time.Second + down100)
}

func TestAnOwnerWithAStartupDelayStartsAsBackup(t *testing.T) {
	g := backup(t, config(priority(255), func(c *Config) { c.StartupDelay = 2 * time.Second }))
	g.takesOverAfter(5*time.Second + time.Second/256)
}

func TestAStartupDelayHoldsThroughFault(t *testing.T) {
	c := config(func(c *Config) { c.StartupDelay, c.Fault = 30*time.Second, "eth1 is down" })
	g, _ := configured(t, c)
	c.Fault = ""
	g.configure(c)
	g.takesOverAfter(30*time.Second + down100)
}
