package machine

import (
	"testing"
	"time"
)

func TestAdvertsKeepTheirPace(t *testing.T) {
	g := master(t, config())
	g.after(time.Second / 2)
	next, _ := g.r.Next()
	for n := range 10 { // each is late by 50 ms, none pushes the next back
		g.now = next + time.Duration(n)*time.Second + 50*time.Millisecond
		out, late := g.r.Tick(g.now, nil)
		same(t, told(out), "VI_1 advert 100")
		if late != 50*time.Millisecond {
			t.Errorf("late by %v", late)
		}
	}
	if s := g.r.Instance("VI_1").Status(); s.Late != 0 || s.MaxLate != 50*time.Millisecond {
		t.Errorf("%+v", s.Counters)
	}
}

func TestATimerLateByMoreThanATenthIsCounted(t *testing.T) {
	g := master(t, config())
	next, _ := g.r.Next()
	g.pause(next - g.now + 101*time.Millisecond)
	if s := g.r.Instance("VI_1").Status(); s.Late != 1 || s.MaxLate != 101*time.Millisecond {
		t.Errorf("%+v", s.Counters)
	}
}

func TestAMasterThatStoodStillAdvertisesOnceAndAnnouncesIfItStillIsMaster(t *testing.T) {
	g := master(t, config())
	got, late := g.pause(10 * time.Minute)
	same(t, got, "VI_1 advert 100")
	if late < 9*time.Minute {
		t.Errorf("late by %v", late)
	}
	same(t, withoutAdverts(g.after(time.Second-1)))
	same(t, withoutAdverts(g.after(1)), "VI_1 announce 5")

	g.pause(10 * time.Minute)
	g.hears(150, lower)
	same(t, g.after(down100-1))
}

func TestAShortPauseIsNotAnnounced(t *testing.T) {
	g := master(t, config())
	next, _ := g.r.Next()
	g.pause(next - g.now + 2*time.Second - 1)
	same(t, withoutAdverts(g.after(time.Minute)))
}

func TestAPauseInWhichABackupMayHaveTakenOverIsAnnounced(t *testing.T) {
	g := master(t, config()) // three intervals without an advert are the shortest Master_Down
	next, _ := g.r.Next()
	g.pause(next - g.now + 2*time.Second)
	same(t, withoutAdverts(g.after(time.Minute)), "VI_1 announce 5")
}

func TestABackupThatStoodStillListensBeforeItTakesOver(t *testing.T) {
	g := backup(t, config())
	got, late := g.pause(down100 + time.Second + 1)
	same(t, got)
	if late != time.Second+1 {
		t.Errorf("late by %v", late)
	}
	g.takesOverAfter(time.Second + skew100)

	g = backup(t, config()) // it hears the master
	g.pause(time.Minute)
	g.after(time.Second)
	g.hears(150, lower)
	g.takesOverAfter(down100)
}

func TestABackupIsInDoubtOnlyOnce(t *testing.T) {
	g := backup(t, config())
	g.pause(time.Minute)
	g.pause(time.Minute)
	g.in(Master)

	g = backup(t, config()) // but once for each time that it had a master
	g.pause(time.Minute)
	g.hears(150, lower)
	g.pause(time.Minute)
	g.in(Backup)
}

func TestALittleLateBackupTakesOverAtOnce(t *testing.T) {
	g := backup(t, config())
	g.pause(down100 + time.Second)
	g.in(Master)
}

func TestNextSaysWhenTickHasSomethingToDo(t *testing.T) {
	g := &rig{t: t, r: New(), now: time.Hour}
	if _, ok := g.r.Next(); ok {
		t.Error("a Router without instances has a timer")
	}
	g.configure(config(), config(func(c *Config) { c.Name, c.VRID, c.AdvertInterval = "VI_2", 52, 100*time.Millisecond }))
	if next, _ := g.r.Next(); next != g.now+down100/10 {
		t.Errorf("next is in %v", next-g.now)
	}
}

// On the path of a timer and of an advert nothing may be allocated: the garbage collector must not be the reason that a
// deadline is missed.
func TestNothingIsAllocatedInSteadyState(t *testing.T) {
	members := pair()
	alone := config(func(c *Config) { c.Name, c.VRID = "VI_3", 53 })
	for name, run := range map[string]func(r *Router, now *time.Duration, out []Action){
		"tick of a master": func(r *Router, now *time.Duration, out []Action) {
			*now += time.Second
			r.Tick(*now, out)
		},
		"advert to a master": func(r *Router, now *time.Duration, out []Action) {
			*now += time.Second / 2
			out = r.Advert(*now, r.Instances()[0], Advert{lower, 50, time.Second}, out)
			r.Tick(*now, out)
		},
		"failover and back": func(r *Router, now *time.Duration, out []Action) {
			for _, in := range r.Instances() {
				out = r.Advert(*now, in, Advert{lower, 150, time.Second}, out)
			}
			*now += 4 * time.Second
			r.Tick(*now, out)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := master(t, append(members, alone)...)
			now, out := g.now, make([]Action, 0, 64)
			if n := testing.AllocsPerRun(100, func() { run(g.r, &now, out[:0]) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if name == "failover and back" {
				g.in(Master)
				if n := g.r.Instances()[0].Status().Masters; n < 100 {
					t.Errorf("master only %d times", n)
				}
			}
		})
	}
}
