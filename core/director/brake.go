package director

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The brake: when too many targets fall within a short time, it is likelier that the director has lost its sight than that
// so many servers have died at once. What has fallen within that time is then held: its real servers count as if it were
// still up, those that are out already come back, and what falls from then on is held, too. Checks that an instance of VRRP
// tracks are neither counted nor held: they may be right to give the VIPs away.
//
// The brake lets go when what is held is few enough again, after its longest time, or when an operator says so.

// A brake is the mass-failure brake.
type brake struct {
	cfg    config.Brake
	holds  bool
	since  time.Time
	reason string
	event  uint64 // that it engaged
	review bool   // another configuration: what it thinks must be thought again

	changed uint64 // its event of this step, or 0
}

// LetGo makes the brake let go of what it holds.
type LetGo struct{ Now time.Time }

func (LetGo) input() {}

// noteFall remembers when the target went down, and with what part of its weight.
func (t *target) noteFall(now time.Time) {
	switch {
	case t.verdict.State != sdk.StateDown:
		t.fell, t.held, t.fellWith = time.Time{}, false, 0
	case t.before.State == sdk.StateUp:
		t.fell, t.fellWith = now, t.before.Factor
	}
}

// state is what the target counts as for its real servers.
func (t *target) state() sdk.State {
	if t.held {
		return sdk.StateUp
	}
	return t.verdict.State
}

// factor is likewise.
func (t *target) factor() sdk.Factor {
	if t.held {
		return t.fellWith
	}
	return t.verdict.Factor
}

// brakes says whether the brake looks at a target: at one that is probed for real servers alone.
func (t *target) brakes() bool { return len(t.servers) > 0 && len(t.instances) == 0 && !t.suspended }

// judgeBrake decides whether to hold after targets have fallen, and returns the targets that are held now and were not, or
// the other way round. fallen are those of this step.
func (d *Director) judgeBrake(fallen []*target) []*target {
	b := &d.brake
	if b.cfg.Action == config.BrakeOff {
		return d.letGo("the brake is off")
	}
	if !b.holds && len(fallen) == 0 {
		return nil
	}
	if b.holds {
		for _, t := range fallen {
			t.held = true // no server knows yet that it has fallen
		}
		switch n, up := d.countHeld(); {
		case !d.now.Before(b.since.Add(b.cfg.Limit)):
			return d.letGo(fmt.Sprintf("it has held for %s, which is as long as it may", b.cfg.Limit))
		case !tooMany(b.cfg, n, up):
			return d.letGo(fmt.Sprintf("%d of %d targets are still down, which is no longer too many at once", n, n+up))
		case b.cfg.Action != config.BrakeHold:
			return d.letGo("it may no longer hold")
		}
		return nil
	}
	var list []*target
	up := 0
	for t := range d.all() {
		switch {
		case !t.brakes():
		case t.verdict.State == sdk.StateUp:
			up++
		case !t.fell.IsZero() && d.now.Sub(t.fell) <= b.cfg.Within:
			list = append(list, t)
		}
	}
	if !tooMany(b.cfg, len(list), up) {
		return nil
	}
	b.reason = fmt.Sprintf("%d of %d targets that were up have gone down within %s", len(list), len(list)+up, b.cfg.Within)
	e := sdk.Event{Kind: "brake", Subject: "director", From: "released", To: "holds", Cause: fallen[len(fallen)-1].event}
	if b.cfg.Action == config.BrakeAct {
		e.From, e.To, e.Reason = "", "acts", b.reason+": they are taken out all the same, as the configuration has it"
		d.emit(e)
		for _, t := range list {
			t.fell = time.Time{} // said once
		}
		return nil
	}
	e.Reason = b.reason + ": the director suspects itself, and real servers stay as they were"
	b.event = d.emit(e)
	b.holds, b.since, b.changed = true, d.now, b.event
	for _, t := range list {
		t.held = true
	}
	return list
}

// countHeld counts the targets that are held, and those that are up.
func (d *Director) countHeld() (held, up int) {
	for t := range d.all() {
		switch {
		case !t.brakes():
		case t.held:
			held++
		case t.verdict.State == sdk.StateUp:
			up++
		}
	}
	return held, up
}

// all are the targets, in less time than a map of ten thousand takes.
func (d *Director) all() iter.Seq[*target] {
	return func(yield func(*target) bool) {
		for _, ts := range d.byType {
			for _, t := range ts {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// tooMany says whether so many targets that have fallen beside so many that are up make the director suspect itself.
func tooMany(c config.Brake, fallen, up int) bool {
	return fallen >= c.Minimum && fallen*100 > c.Share*(fallen+up)
}

// letGo lets go of all that is held, and returns it. What has fallen counts no more: it takes new falls to engage again.
func (d *Director) letGo(reason string) []*target {
	b := &d.brake
	if !b.holds {
		return nil
	}
	b.holds = false
	b.changed = d.emit(sdk.Event{Kind: "brake", Subject: "director", From: "holds", To: "released", Reason: reason, Cause: b.event})
	var moved []*target
	for _, t := range d.targets {
		if t.held {
			moved = append(moved, t)
		}
		t.held, t.fell = false, time.Time{}
	}
	return moved
}

// tick does what is due by now.
func (d *Director) tick() Output {
	var u sdk.TableUpdate
	if b := &d.brake; b.holds && (b.review || !d.now.Before(b.since.Add(b.cfg.Limit))) {
		d.concern(d.judgeBrake(nil), &u)
	}
	d.brake.review = false
	d.stepUp(&u)
	return Output{Table: d.stamp(u)}
}

// letGoByOperator lets go at once.
func (d *Director) letGoByOperator() Output {
	var u sdk.TableUpdate
	d.concern(d.letGo("an operator says so"), &u)
	return Output{Table: d.stamp(u)}
}

// wake returns when the next tick is due; zero: none is.
func (d *Director) wake() time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if d.climbing {
		sooner(d.stepped.Add(climbStep))
	}
	if b := &d.brake; b.holds && b.review {
		sooner(d.now)
	} else if b.holds {
		sooner(b.since.Add(b.cfg.Limit))
	}
	return at
}

// A BrakeStatus is what the brake holds.
type BrakeStatus struct {
	Since, Until time.Time
	Reason       string
	Held, Up     int // targets
}

func (d *Director) brakeStatus() *BrakeStatus {
	b := &d.brake
	if !b.holds {
		return nil
	}
	s := &BrakeStatus{Since: b.since, Until: b.since.Add(b.cfg.Limit), Reason: b.reason}
	s.Held, s.Up = d.countHeld()
	return s
}

// fallen returns those of some targets that have gone down in this step.
func (d *Director) fallen(changed []*target) []*target {
	return slices.DeleteFunc(slices.Clone(changed), func(t *target) bool {
		return !t.brakes() || t.before.State != sdk.StateUp || t.verdict.State != sdk.StateDown
	})
}
