package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// This file has what an instance holds in the kernel: addresses and routes.

// retryAfter is when something that the kernel refused is tried again.
const retryAfter = time.Second

// again has refresh called at a time, or before.
func (l *loop) again(at time.Duration) {
	if l.retry == 0 || at < l.retry {
		l.retry = max(at, 1)
	}
}

// hold prepares another set of addresses. A master puts the new ones in place, and returns the set before, whose others go
// when all masters have theirs: an address may move from one to another.
func (l *loop) hold(i *instance) (last *address.Set) {
	next, err := l.kernel.NewSet(i.addresses(), i.routes())
	i.wrong = ""
	if err != nil { // what the core has checked, the kernel's library has not understood
		i.wrong = "its addresses can't be: " + err.Error()
		next, _ = l.kernel.NewSet(nil, nil)
	}
	last, i.set = i.set, next
	if !i.isMaster() {
		return nil
	}
	i.announceNow = l.did(i, next.Add()) || i.announceNow
	l.moved = append(l.moved, next)
	return last
}

// inherit looks at what is in the kernel of instances that are new: one goes on as master where a predecessor was, or the
// addresses go. What those have that are about to leave is theirs to remove, when they have said goodbye.
func (l *loop) inherit(now time.Duration, leaving []*instance) {
	var theirs []*address.Set
	for _, i := range leaving {
		if i != nil {
			theirs = append(theirs, i.set)
		}
	}
	for _, i := range l.instances {
		if i.machine != nil {
			continue
		}
		left, _ := l.keep.Before(i.key())
		i.slot, i.sequence = l.keep.Slot(i.key()), left.Sequence
		if now < left.Until {
			held, of, err := i.set.Held()
			if err != nil {
				l.log.Error("looking for addresses", "instance", i.spec.Name, "error", err)
			}
			i.resume = err == nil && held == of
		}
		if !i.resume && i.spec.Priority != machine.Owner { // an owner has them anyway
			l.did(i, i.set.RemoveExcept(theirs...))
		}
	}
	if !l.inherited {
		l.inherited, l.unswept, l.abandoned = true, true, 0
	}
}

// abandon removes what a predecessor has left when nobody has said in time what becomes of it: by then others hold it.
func (l *loop) abandon() {
	l.abandoned = 0
	for _, c := range l.kernel.Sweep() {
		l.log.Warn("a predecessor has left it, and nobody has claimed it", "done", c.String())
	}
}

// sweep removes what is ours and no master holds: what a predecessor has left, what was on an interface that has another
// name now, and what could not be removed when it should have been.
func (l *loop) sweep(now time.Duration) {
	if !l.unswept || !l.inherited {
		return
	}
	l.unswept = false
	var held []*address.Set
	for _, i := range l.instances {
		if i.isMaster() {
			held = append(held, i.set)
		}
	}
	for _, c := range l.kernel.Sweep(held...) {
		l.log.Info("nobody here holds it any more", "done", c.String())
		if c.Err != nil {
			l.unswept = true
			l.again(now + retryAfter)
		}
	}
}

// take puts the addresses in their place.
func (l *loop) take(i *instance) {
	l.did(i, i.set.Add())
	l.holding = true
}

// give takes the addresses away, but for those that another master has now, and forgets what was to be announced.
func (l *loop) give(i *instance) {
	for _, d := range i.devices {
		if d.announcement != nil {
			l.announcer.Cancel(d.announcement)
		}
	}
	l.did(i, i.set.RemoveExcept(l.moved...))
	i.sent = 0
	i.slot.Resign()
	for _, a := range i.addresses() {
		l.ledger.Released(a.Prefix.Addr())
	}
	l.endNotices(i, sdk.NoticeConflict)
	l.endNotices(i, sdk.NoticeAddress)
	l.holding = true
}

// did tells what was done to the kernel's addresses, and has what failed tried again. It says whether there is any that
// was not there before.
func (l *loop) did(i *instance, changes []address.Change) (added bool) {
	for _, c := range changes {
		if c.Err == nil {
			l.log.Debug("addresses", "instance", i.spec.Name, "done", c.String())
			l.endNotice(i, sdk.NoticeAddress, c.What)
			added = added || c.Action != address.Removed
			continue
		}
		if c.Action == address.Removed {
			l.log.Warn("addresses", "instance", i.spec.Name, "failed", c.String())
			l.unswept = true
		} else {
			l.notice(i, sdk.NoticeAddress, c.What, c.String())
		}
		l.again(wire.Now() + retryAfter)
	}
	return added
}

// mend puts in place what a master lacks, and has it announced by refresh.
func (l *loop) mend(i *instance) {
	if l.did(i, i.set.Sync()) {
		i.announceNow = true
	}
}

// lost puts back an address that somebody has taken away.
func (l *loop) lost(i *instance, a netip.Prefix) {
	changes := i.set.Sync()
	for _, c := range changes {
		if c.Address != nil && c.Address.Prefix == a {
			l.notice(i, sdk.NoticeAddress, c.What, fmt.Sprintf("somebody removed %s, which this instance holds; it is put back", c.What))
		}
	}
	if l.did(i, changes) {
		i.announceNow = true
	}
}

// holds says whether a is an address of the instance.
func (i *instance) holds(a netip.Addr) bool {
	same := func(v sdk.VirtualAddress) bool { return v.Prefix.Addr() == a }
	return slices.ContainsFunc(i.spec.Addresses, same) || slices.ContainsFunc(i.spec.Excluded, same)
}
