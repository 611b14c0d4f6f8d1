package machine

import (
	"slices"
	"testing"
	"time"
)

// pair is two members of the sync group "edge".
func pair(change ...func(one, two *Config)) []Config {
	one := config(func(c *Config) { c.Group = "edge" })
	two := config(func(c *Config) { c.Group, c.Name, c.VRID = "edge", "VI_2", 52 })
	for _, f := range change {
		f(&one, &two)
	}
	return []Config{one, two}
}

func (g *rig) both(priority uint8) {
	for _, name := range []string{"VI_1", "VI_2"} {
		g.hearsAt(name, Advert{lower, priority, time.Second})
	}
}

// sorted is for timers that are due at the same time: their order says nothing.
func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

func TestAGroupBecomesMasterWhenEveryMemberIsReadyAndTogether(t *testing.T) {
	g := backup(t, pair()...)
	g.hearsAt("VI_1", Advert{lower, 150, time.Second})
	g.after(2 * time.Second)
	g.hearsAt("VI_2", Advert{lower, 150, time.Second})
	same(t, g.after(down100-1)) // VI_1 waits
	same(t, g.after(1),
		"VI_1 advert 100", "VI_2 advert 100", "VI_1 add addresses", "VI_2 add addresses", "VI_1 announce 5", "VI_2 announce 5",
		"VI_1 backup -> master: master not heard", "VI_2 backup -> master: master not heard")
}

func TestAMemberThatWaitsGoesOnListening(t *testing.T) {
	g := backup(t, pair()...)
	for range 10 { // VI_2's master lives, VI_1's came back at the last moment
		g.hearsAt("VI_2", Advert{lower, 150, time.Second})
		g.after(time.Second)
	}
	g.hearsAt("VI_1", Advert{lower, 150, time.Second})
	g.after(down100 - 1)
	g.in(Backup)
	g.after(1)
	g.in(Master)
}

func TestAMemberThatYieldsTakesTheOthersWithItWithoutPriority0(t *testing.T) {
	g := master(t, pair()...)
	same(t, g.hearsAt("VI_2", Advert{lower, 101, time.Second}),
		"VI_1 remove addresses", "VI_2 remove addresses", "VI_2 advert 100",
		"VI_1 master -> backup: another member of its sync group yielded", "VI_2 master -> backup: advert with a higher priority (192.0.2.9)")
	g.takesOverAfter(down100)
}

func TestAFaultOfAMemberIsTheGroupsUntilEveryMemberIsClear(t *testing.T) {
	g := master(t, pair()...)
	down := func(which ...string) []Config {
		return pair(func(one, two *Config) { one.Fault, two.Fault = which[0], which[1] })
	}
	same(t, g.configure(down("", "eth1 is down")...),
		"VI_1 advert 0", "VI_2 advert 0", "VI_1 remove addresses", "VI_2 remove addresses",
		"VI_1 master -> fault: sync group edge: VI_2: eth1 is down", "VI_2 master -> fault: sync group edge: VI_2: eth1 is down")
	same(t, g.configure(down("nginx is down", "eth1 is down")...))
	same(t, g.configure(down("nginx is down", "")...))
	if got, want := g.r.Instance("VI_2").Status().Reason, "sync group edge: VI_1: nginx is down"; got != want {
		t.Errorf("the reason is %q, want what is down now: %q", got, want)
	}
	same(t, g.configure(pair()...), "VI_1 fault -> backup: recovered", "VI_2 fault -> backup: recovered")
	g.takesOverAfter(down100)
}

func TestAGroupHasTheLowestPriorityOfItsMembers(t *testing.T) {
	g := master(t, pair(func(one, two *Config) { two.PriorityChange = -40 })...)
	same(t, sorted(g.after(time.Second)), "VI_1 advert 60", "VI_2 advert 60")
	g.configure(pair()...)
	same(t, sorted(g.after(time.Second)), "VI_1 advert 100", "VI_2 advert 100")
	if _, got := configured(t, pair(func(one, _ *Config) { one.Priority = 255 })...); got[0] != "VI_1 initialize -> backup: started" {
		t.Errorf("a group of which not all are owners must start as backup: %q", got)
	}
}

func TestAGroupOfOwnersStartsAsMaster(t *testing.T) {
	g, _ := configured(t, pair(func(one, two *Config) { one.Priority, two.Priority = 255, 255 })...)
	g.in(Master)
}

func TestALosingAdvertIsAnsweredByOneAndAnnouncedByAllMembers(t *testing.T) {
	g := master(t, pair()...)
	same(t, g.hearsAt("VI_2", Advert{lower, 50, time.Second}),
		"VI_2 advert 100", "VI_2 rival 192.0.2.9 with 50", "VI_1 announce 2", "VI_2 announce 2")
}

func TestOneReleasedMemberReleasesTheGroup(t *testing.T) {
	g := master(t, pair()...)
	half := pair(func(one, _ *Config) { one.Released = true })
	same(t, g.configure(half...), "VI_1 advert 0", "VI_2 advert 0")
	same(t, g.after(time.Hour),
		"VI_1 advert 0", "VI_2 advert 0", "VI_1 remove addresses", "VI_2 remove addresses",
		"VI_1 master -> backup: released by the operator", "VI_2 master -> backup: released by the operator")
	if !g.r.Instance("VI_2").Status().Released {
		t.Error("the status of VI_2 does not say that it is released")
	}
}

func TestAReleasedGroupGoesAsOneWhenAnotherHasTakenAMembersRole(t *testing.T) {
	g := master(t, pair()...)
	g.configure(pair(func(one, _ *Config) { one.Released = true })...)
	same(t, g.hearsAt("VI_2", Advert{lower, 50, time.Second}), "VI_1 remove addresses", "VI_2 remove addresses",
		"VI_1 master -> backup: another member of its sync group yielded", "VI_2 master -> backup: released by the operator (192.0.2.9)")
}

func TestANewMemberJoinsAMasterGroupWhenNobodyElseIsMaster(t *testing.T) {
	alone := pair()[:1]
	g := master(t, alone...)
	same(t, g.configure(pair()...), "VI_2 initialize -> backup: started")
	var others []string
	for _, s := range g.after(down100) {
		if s != "VI_1 advert 100" {
			others = append(others, s)
		}
	}
	same(t, others, "VI_2 advert 100", "VI_2 add addresses", "VI_2 announce 5", "VI_2 backup -> master: master not heard")
}

func TestANewMemberWithAnotherMasterTakesTheGroupToBackup(t *testing.T) {
	g := master(t, pair()[:1]...)
	g.configure(pair()...)
	same(t, g.hearsAt("VI_2", Advert{lower, 100, time.Second}), "VI_1 remove addresses", "VI_1 master -> backup: another member of its sync group yielded")
	g.in(Backup)
}

func TestAMemberThatWaitsTakesOverWhenTheOneThatItWaitsForIsGone(t *testing.T) {
	g := backup(t, pair()...)
	for range 5 {
		g.hearsAt("VI_2", Advert{lower, 150, time.Second})
		g.after(time.Second)
	}
	same(t, g.configure(pair()[:1]...),
		"VI_2 backup -> initialize: no longer in the configuration",
		"VI_1 advert 100", "VI_1 add addresses", "VI_1 announce 5", "VI_1 backup -> master: master not heard")
}

func TestAMemberThatWaitedToPreemptListensAgainWhenItsPriorityFalls(t *testing.T) {
	g := backup(t, pair()...)
	for range 5 { // VI_1 would preempt its master, VI_2 would not
		g.hearsAt("VI_1", Advert{lower, 90, time.Second})
		g.hearsAt("VI_2", Advert{lower, 150, time.Second})
		g.after(time.Second)
	}
	g.configure(pair(func(one, two *Config) { one.PriorityChange, two.PriorityChange = -20, -20 })...)
	g.hearsAt("VI_2", Advert{lower, 0, time.Second})
	g.after(2 * time.Second)
	g.in(Backup)
}

// Two groups of the same priority may each lose on the other's link. The one that loses on the first lets the other pass.
func TestOfTwoGroupsThatBothYieldedOneLetsTheOtherPass(t *testing.T) {
	members := pair()
	members[0], members[1] = members[1], members[0] // the first is that with the lowest virtual router id
	lost := func(name string) *rig {
		g := master(t, members...)
		g.hearsAt(name, Advert{higher, 100, time.Second})
		g.in(Backup)
		return g
	}
	lost("VI_2").takesOverAfter(down100)
	lost("VI_1").takesOverAfter(down100 + time.Second)

	g := lost("VI_1")
	g.both(100) // an advert of the same clash changes nothing
	g.takesOverAfter(down100 + time.Second)

	g = lost("VI_1")
	g.after(time.Second) // the other goes on as master: all is as ever
	g.hearsAt("VI_1", Advert{higher, 100, time.Second})
	g.takesOverAfter(down100)
}
