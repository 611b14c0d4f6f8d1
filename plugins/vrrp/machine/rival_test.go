package machine

import (
	"net/netip"
	"testing"
	"time"
)

// withoutAdverts takes the own adverts out of what happened.
func withoutAdverts(s []string) []string {
	var rest []string
	for _, a := range s {
		if a != "VI_1 advert 100" && a != "VI_1 advert 255" {
			rest = append(rest, a)
		}
	}
	return rest
}

func TestARivalIsTold(t *testing.T) {
	g := master(t, config())
	same(t, g.hears(90, lower), "VI_1 advert 100", "VI_1 rival 192.0.2.9 with 90", "VI_1 announce 2")
	g.after(time.Second)
	same(t, g.hears(90, lower), "VI_1 advert 100") // once is enough until the second set
	if s := g.r.Instance("VI_1").Status(); s.Rival.Source != lower || s.RivalSince != g.now-time.Second {
		t.Errorf("%+v", s)
	}
	same(t, withoutAdverts(g.after(down100-1)))
	same(t, withoutAdverts(g.after(1)), "VI_1 no rival 192.0.2.9: it is no longer heard", "VI_1 announce 2")
	if s := g.r.Instance("VI_1").Status(); s.Rival.Source.IsValid() {
		t.Errorf("%+v", s)
	}
}

// The master that was preempted says so with a last advert: that is a handover and no split, but it may have announced.
func TestTheLastAdvertOfThePredecessorIsNoRival(t *testing.T) {
	g := backup(t, config())
	g.after(down100 + time.Second - 1)
	same(t, g.hears(90, lower), "VI_1 advert 100", "VI_1 announce 2")
	g.after(1)
	same(t, g.hears(90, lower), "VI_1 advert 100", "VI_1 rival 192.0.2.9 with 90")
}

func TestARivalIsSilentAfterItsOwnInterval(t *testing.T) {
	g := master(t, config())
	g.hearsAt("VI_1", Advert{lower, 90, 3 * time.Second})
	same(t, withoutAdverts(g.after(9*time.Second+3*skew100-1)), "VI_1 announce 2")
	same(t, withoutAdverts(g.after(1)), "VI_1 no rival 192.0.2.9: it is no longer heard", "VI_1 announce 2")
}

func TestARivalEndsWhenItGivesUpOrWhenWeYield(t *testing.T) {
	g := master(t, config())
	g.hears(90, lower)
	same(t, g.hears(0, higher), "VI_1 advert 100")
	same(t, g.hears(0, lower), "VI_1 advert 100", "VI_1 no rival 192.0.2.9: it gave up the role", "VI_1 announce 2")

	g = master(t, config())
	g.hears(90, lower)
	same(t, g.hears(101, lower), "VI_1 remove addresses", "VI_1 advert 100", "VI_1 no rival 192.0.2.9: this router is no longer master", yieldHigh)
	same(t, g.after(down100-1))
}

func TestOfTwoRivalsTheFirstIsTold(t *testing.T) {
	g := master(t, config())
	third := netip.MustParseAddr("192.0.2.8")
	g.hears(90, lower)
	for range 3 {
		g.after(time.Second)
		same(t, withoutAdverts(g.hears(80, third)))
		same(t, withoutAdverts(g.hears(90, lower)))
	}
	g.after(time.Second)
	g.hears(80, third)
	same(t, withoutAdverts(g.after(down100)), "VI_1 announce 2", "VI_1 no rival 192.0.2.9: it is no longer heard", "VI_1 announce 2")
}

func TestAnnouncementsBecauseOfARivalComeAgainAfterADelay(t *testing.T) {
	g := master(t, config())
	g.hears(90, lower)
	g.hears(0, lower)
	same(t, withoutAdverts(g.after(5*time.Second-1)))
	same(t, withoutAdverts(g.after(1)), "VI_1 announce 2")
	same(t, withoutAdverts(g.after(time.Minute)))

	g = master(t, config(func(c *Config) { c.Announce.LowerPriorityDelay = 0 }))
	g.hears(90, lower)
	same(t, g.hears(90, lower), "VI_1 advert 100", "VI_1 announce 2")
}

func TestAnAdvertThatIsOurOwnIsNotAnswered(t *testing.T) {
	g := master(t, config())
	same(t, g.hears(100, self))
	if n := g.r.Instance("VI_1").Status().Ignored; n != 1 {
		t.Errorf("%d ignored", n)
	}
	g = master(t, config(func(c *Config) { c.Address = netip.MustParseAddr("fe80::1") }))
	same(t, g.hears(100, netip.MustParseAddr("fe80::1%eth0")))
}

func TestOfTwoOwnersTheLowerAddressYields(t *testing.T) {
	g := master(t, config(priority(255)))
	same(t, g.hears(255, higher), "VI_1 remove addresses", "VI_1 advert 255", yieldTie)
	same(t, g.hears(255, higher))
	g.takesOverAfter(3*time.Second + time.Second/256)
}

func TestAnOwnerYieldsToAnotherThatDoesNot(t *testing.T) {
	g := master(t, config(priority(255)))
	for range 3 {
		g.hears(255, lower)
		g.after(time.Second)
		g.in(Master)
	}
	same(t, g.hears(255, lower), "VI_1 remove addresses", "VI_1 no rival 192.0.2.9: this router is no longer master",
		"VI_1 master -> backup: another owner of the addresses does not yield (192.0.2.9)")
	g.hears(255, lower)
	g.takesOverAfter(3*time.Second + time.Second/256)
}

func TestOnlyAnOwnerYieldsToWhoDoesNot(t *testing.T) {
	g := master(t, config())
	for range 60 {
		g.hears(100, lower)
		g.after(time.Second)
		g.in(Master)
	}
}
