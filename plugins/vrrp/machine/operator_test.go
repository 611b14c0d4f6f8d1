package machine

import (
	"testing"
	"time"
)

func TestAFaultGivesTheRoleAwayAndEndsWithAFullMasterDown(t *testing.T) {
	down := config(func(c *Config) { c.Fault = "eth1 is down" })
	g := master(t, config())
	same(t, g.configure(down), "VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> fault: eth1 is down")
	same(t, g.after(time.Hour))
	same(t, g.configure(config()), "VI_1 fault -> backup: recovered")
	g.takesOverAfter(down100)

	g = backup(t, config())
	same(t, g.configure(down), "VI_1 backup -> fault: eth1 is down")
	same(t, g.after(time.Hour))
}

func TestAnOwnerThatRecoversListensFirst(t *testing.T) {
	g := master(t, config(priority(255)))
	g.configure(config(priority(255), func(c *Config) { c.Fault = "eth1 is down" }))
	same(t, g.configure(config(priority(255))), "VI_1 fault -> backup: recovered")
	g.takesOverAfter(3*time.Second + time.Second/256)
}

func TestAdvertsAreIgnoredInFault(t *testing.T) {
	g, _ := configured(t, config(func(c *Config) { c.Fault = "eth1 is down" }))
	for _, p := range []uint8{0, 1, 100, 255} {
		same(t, g.hears(p, higher))
	}
	if s := g.r.Instance("VI_1").Status(); s.Ignored != 4 || s.Received != 4 || s.Master.Source.IsValid() {
		t.Errorf("%+v", s)
	}
	if _, ok := g.r.Next(); ok {
		t.Error("an advert started a timer")
	}
}

func TestAReleasedInstanceIsNeverMaster(t *testing.T) {
	released := config(func(c *Config) { c.Released = true })
	g := master(t, config())
	same(t, g.configure(released), "VI_1 advert 0")
	same(t, g.after(2*time.Second-1))
	same(t, g.after(1), "VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> backup: released by the operator")
	same(t, g.after(time.Hour))
	g.hears(0, lower)
	same(t, g.after(time.Hour))
	g.in(Backup)

	for _, p := range []uint8{100, 255} {
		g, _ = configured(t, config(priority(p), func(c *Config) { c.Released = true }))
		same(t, g.after(time.Hour))
		g.in(Backup)
	}
}

func TestAReleasedMasterServesUntilAnotherDoes(t *testing.T) {
	released := config(func(c *Config) { c.Released = true })
	parting := func() *rig {
		g := master(t, config(func(c *Config) { c.Announce.Refresh = time.Minute }))
		g.configure(released)
		same(t, g.configure(released)) // it is said once
		return g
	}
	g := parting()
	same(t, g.hears(0, higher)) // another one leaves, too
	same(t, g.hears(100, self)) // our own, come back
	g.after(time.Second)
	same(t, g.hears(1, lower), "VI_1 remove addresses", "VI_1 master -> backup: released by the operator (192.0.2.9)")
	same(t, g.after(time.Hour))

	g = parting()
	same(t, g.configure(config()), "VI_1 advert 100") // reclaimed in time
	same(t, g.after(2*time.Second), "VI_1 advert 100", "VI_1 advert 100")
	same(t, g.hears(50, higher), "VI_1 advert 100", "VI_1 rival 192.0.2.200 with 50", "VI_1 announce 2")

	g = parting()
	same(t, g.configure(config(func(c *Config) { c.Released, c.Fault = true, "eth1 is down" })),
		"VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> fault: eth1 is down")

	g = parting()
	same(t, told(g.r.Stop(g.now, nil)), "VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> initialize: stopped")
}

// A master that lives serves until it hears the advert of who takes the role over, so that one says so last.
func TestARoleOfAMasterThatLivesIsTakenBeforeItIsSaid(t *testing.T) {
	served := []string{"VI_1 add addresses", "VI_1 announce 5", "VI_1 advert 100", tookOver}
	silent := []string{"VI_1 advert 100", "VI_1 add addresses", "VI_1 announce 5", tookOver}
	g := backup(t, config())
	g.hears(100, lower)
	g.hears(0, lower)
	same(t, g.after(skew100), served...)

	g = backup(t, config())
	for range 3 { // worse than this one, so it is not listened to for long
		g.hears(50, lower)
		g.after(time.Second)
	}
	same(t, g.after(down100-3*time.Second), served...)

	g = backup(t, config())
	g.hears(0, lower)
	g.hears(150, higher) // somebody takes it, and is heard no more
	same(t, g.after(down100), silent...)

	g = backup(t, config())
	g.hears(0, lower)
	g.configure(config(func(c *Config) { c.Fault = "eth1 is down" }))
	g.configure(config())
	same(t, g.after(down100), silent...)

	for _, first := range []string{"VI_1", "VI_2"} { // the other member's master is silent
		g = backup(t, pair()...)
		g.after(time.Second)
		g.hearsAt(first, Advert{lower, 0, time.Second})
		same(t, g.after(down100)[:2], "VI_1 advert 100", "VI_2 advert 100")
	}
	g = backup(t, pair()...)
	g.both(0)
	same(t, g.after(skew100),
		"VI_1 add addresses", "VI_2 add addresses", "VI_1 announce 5", "VI_2 announce 5", "VI_1 advert 100", "VI_2 advert 100",
		"VI_1 backup -> master: master not heard", "VI_2 backup -> master: master not heard")
}

func TestAReclaimedInstanceListensForAFullMasterDown(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.Released = true }))
	g.after(time.Hour)
	same(t, g.configure(config()))
	g.takesOverAfter(down100)

	g = backup(t, config(func(c *Config) { c.Released = true }))
	g.after(down100 - 1)
	g.configure(config())
	g.takesOverAfter(down100)
}

func TestAReleasedInstanceKnowsItsMasterAndForgetsIt(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.Released = true }))
	g.hears(50, higher)
	g.after(3 * time.Second)
	g.hears(50, higher)
	if m := g.r.Instance("VI_1").Status().Master; m.Source != higher || m.Priority != 50 {
		t.Errorf("the master is %v", m)
	}
	g.after(2 * down100)
	g.hears(200, lower)
	g.hears(0, higher) // somebody else leaves
	if m := g.r.Instance("VI_1").Status().Master; m.Source != lower {
		t.Errorf("the master is %v", m)
	}
	g.hears(200, lower)
	g.after(down100)
	if m := g.r.Instance("VI_1").Status().Master; m.Source.IsValid() {
		t.Errorf("it was not heard for long, and still is the master: %v", m)
	}
}

func TestResumeGoesOnAsMaster(t *testing.T) {
	g, got := configured(t, config(func(c *Config) { c.Resume, c.StartupDelay = true, time.Minute }))
	same(t, got, "VI_1 advert 100", "VI_1 add addresses", "VI_1 announce 5", "VI_1 initialize -> master: resumed: the addresses were still in place")
	same(t, g.after(time.Second), "VI_1 advert 100")
}

func TestAStartupDelayIsOverOnceTheInstanceWasMaster(t *testing.T) {
	g, _ := configured(t, config(func(c *Config) { c.Resume, c.StartupDelay = true, time.Minute }))
	g.hears(150, lower)
	g.takesOverAfter(down100)
}

func TestAResumeThatIsRefusedRemovesTheAddresses(t *testing.T) {
	resume := func(c *Config) { c.Resume = true }
	for name, c := range map[string]struct {
		all  []Config
		want []string
	}{
		"fault": {[]Config{config(resume, func(c *Config) { c.Fault = "eth1 is down" })},
			[]string{"VI_1 advert 0", "VI_1 remove addresses", "VI_1 initialize -> fault: eth1 is down"}},
		"released": {[]Config{config(resume, func(c *Config) { c.Released = true })},
			[]string{"VI_1 advert 0", "VI_1 remove addresses", "VI_1 initialize -> backup: started"}},
		"not the whole group": {pair(func(one, _ *Config) { one.Resume = true }),
			[]string{"VI_1 advert 0", "VI_1 remove addresses", "VI_1 initialize -> backup: started", "VI_2 initialize -> backup: started"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := configured(t, c.all...)
			same(t, got, c.want...)
		})
	}
}

func TestAWholeGroupResumes(t *testing.T) {
	g, _ := configured(t, pair(func(one, two *Config) { one.Resume, two.Resume = true, true })...)
	g.in(Master)
}

func TestResumeCountsOnlyAtTheFirstAppearance(t *testing.T) {
	g := backup(t, config())
	same(t, g.configure(config(func(c *Config) { c.Resume = true })))
	g.in(Backup)
}

func TestStatusSaysWhatTheInstanceDoesAndSinceWhen(t *testing.T) {
	g := backup(t, config())
	g.hearsAt("VI_1", Advert{lower, 150, 2 * time.Second})
	s := g.r.Instance("VI_1").Status()
	if s.State != Backup || s.Since != time.Hour || s.Priority != 100 || s.Master != (Advert{lower, 150, 2 * time.Second}) || s.Reason != "started" {
		t.Errorf("%+v", s)
	}
	g.after(6*time.Second + 2*skew100)
	took := g.now
	g.after(3 * time.Second)
	g.hears(0, lower)
	s = g.r.Instance("VI_1").Status()
	if s.State != Master || s.Since != took || s.Master.Source.IsValid() || s.Sent != 5 || s.Received != 2 || s.Leaving != 1 || s.Masters != 1 {
		t.Errorf("%+v", s)
	}
}
