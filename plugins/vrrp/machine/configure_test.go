package machine

import (
	"net/netip"
	"testing"
	"time"
)

func TestASameConfigurationChangesNothing(t *testing.T) {
	for _, state := range []State{Backup, Master} {
		g := backup(t, config())
		if state == Master {
			g = master(t, config())
		}
		g.after(300 * time.Millisecond)
		before, _ := g.r.Next()
		same(t, g.configure(config()))
		if after, _ := g.r.Next(); after != before {
			t.Errorf("in %v the timer moved from %v to %v", state, before, after)
		}
	}
}

func TestAReloadKeepsTheProgressOfAPreemptDelay(t *testing.T) {
	c := config(func(c *Config) { c.PreemptDelay = 10 * time.Second })
	g := backup(t, c)
	for range 10 {
		g.hears(50, lower)
		g.after(time.Second)
		g.configure(c)
	}
	g.hears(50, lower)
	g.takesOverAfter(down100 - time.Second)
}

func TestAnInstanceThatIsGoneGivesItsRoleAway(t *testing.T) {
	g := master(t, config())
	same(t, g.configure(), "VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> initialize: no longer in the configuration")
	if _, ok := g.r.Next(); ok || len(g.r.Instances()) != 0 {
		t.Error("a timer of a gone instance runs")
	}
}

func TestAnInstanceOfAnotherIdentityIsAnotherInstance(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"virtual router id": func(c *Config) { c.VRID = 52 },
		"version":           func(c *Config) { c.Version = 2 },
		"identity":          func(c *Config) { c.Identity = "eth1" },
		"family":            func(c *Config) { c.Address = netip.MustParseAddr("fe80::1") },
	} {
		t.Run(name, func(t *testing.T) {
			g := master(t, config())
			old := g.r.Instance("VI_1")
			same(t, g.configure(config(change)),
				"VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> initialize: no longer in the configuration", "VI_1 initialize -> backup: started")
			if g.r.Instance("VI_1") == old || old.Config().VRID != 51 {
				t.Error("the old instance does not say any more what it was")
			}
		})
	}
}

func TestOtherSettingsDoNotMakeAnotherInstance(t *testing.T) {
	g := master(t, config())
	same(t, g.configure(config(func(c *Config) {
		c.Address, c.Preempt, c.PreemptDelay, c.StartupDelay, c.Group = lower, false, time.Minute, time.Minute, "edge"
		c.Announce, c.Resume = AnnounceConfig{Repeat: 1}, true
	})))
	same(t, g.hears(100, self), "VI_1 remove addresses", "VI_1 advert 100", "VI_1 master -> backup: advert with the same priority from a higher address (192.0.2.10)")
}

func TestAnAddressThatIsLostIsAFaultAndNotAnotherInstance(t *testing.T) {
	g := master(t, config())
	in := g.r.Instance("VI_1")
	same(t, g.configure(config(func(c *Config) { c.Address = netip.Addr{} })),
		"VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> fault: no address of its own to send from")
	same(t, g.configure(config()), "VI_1 fault -> backup: recovered")
	if g.r.Instance("VI_1") != in {
		t.Error("another instance")
	}
	g.configure(config(func(c *Config) { c.Address = netip.Addr{} }))
	six := config(func(c *Config) { c.Address = netip.MustParseAddr("fe80::1") })
	g.configure(six)
	if g.r.Instance("VI_1") == in {
		t.Error("the same instance in another family")
	}

	// One that never had an address is of the family of its first.
	g, _ = configured(t, config(func(c *Config) { c.Address = netip.Addr{} }))
	in = g.r.Instance("VI_1")
	same(t, g.configure(six), "VI_1 fault -> backup: recovered")
	if g.configure(config()); g.r.Instance("VI_1") == in {
		t.Error("the same instance in another family")
	}
}

func TestAShorterIntervalCountsAtOnceAndALongerOneFromTheNextAdvertOn(t *testing.T) {
	every := func(d time.Duration) Config { return config(func(c *Config) { c.AdvertInterval = d }) }
	g := master(t, every(10*time.Second))
	g.after(9 * time.Second)
	g.configure(every(100 * time.Millisecond))
	same(t, g.after(100*time.Millisecond), "VI_1 advert 100")
	g.configure(every(5 * time.Second))
	same(t, g.after(100*time.Millisecond), "VI_1 advert 100")
	same(t, g.after(5*time.Second-1))
	same(t, g.after(1), "VI_1 advert 100")
}

func TestAChangedIntervalMovesABackupsTimerUnlessItFollowsAMasters(t *testing.T) {
	slow := func(c *Config) { c.AdvertInterval = 2 * time.Second }
	g := backup(t, config())
	g.after(time.Second)
	g.configure(config(slow))
	g.takesOverAfter(2*down100 - time.Second)

	g = backup(t, config())
	g.hears(150, lower) // at 1 s
	g.configure(config(slow))
	g.takesOverAfter(down100)

	g = backup(t, config())
	g.hears(150, lower)
	g.configure(config(func(c *Config) { c.Fault = "eth1 is down" }))
	g.configure(config()) // what it followed before is forgotten
	g.configure(config(slow))
	g.takesOverAfter(2 * down100)

	g = backup(t, config(func(c *Config) { c.Version = 2 }))
	g.hears(150, lower)
	g.configure(config(slow, func(c *Config) { c.Version = 2 }))
	g.takesOverAfter(6*time.Second + skew100)
}

func TestInstancesWithoutAGroupAreOnTheirOwn(t *testing.T) {
	g := master(t, config(), config(func(c *Config) { c.Name, c.VRID = "VI_2", 52 }))
	g.configure(config(), config(func(c *Config) { c.Name, c.VRID, c.Fault = "VI_2", 52, "eth1 is down" }))
	if a, b := g.r.Instance("VI_1").State(), g.r.Instance("VI_2").State(); a != Master || b != Fault {
		t.Errorf("%v and %v, want master and fault", a, b)
	}
	if got := g.r.Instances()[1].Name(); got != "VI_2" {
		t.Errorf("the second instance is %s", got)
	}
	if g.r.Instance("VI_3") != nil {
		t.Error("an instance that nobody configured")
	}
}

func TestStopSendsEveryPriority0BeforeAnyAddressGoes(t *testing.T) {
	g := master(t, config(), config(func(c *Config) { c.Name, c.VRID = "VI_2", 52 }))
	same(t, told(g.r.Stop(g.now, nil)),
		"VI_1 advert 0", "VI_2 advert 0", "VI_1 remove addresses", "VI_2 remove addresses",
		"VI_1 master -> initialize: stopped", "VI_2 master -> initialize: stopped")
	same(t, told(g.r.Stop(g.now, nil)))
	same(t, g.configure(config()), "VI_1 initialize -> backup: started")
}

func TestAnInstanceWithoutAnIntervalIsInFault(t *testing.T) {
	_, got := configured(t, config(func(c *Config) { c.AdvertInterval = 0 }))
	same(t, got, "VI_1 initialize -> fault: no advertisement interval")
}
