package vrrp

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/vmac"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// configure makes the instances those of the list. What has not changed of an instance is not touched.
func (l *loop) configure(specs []sdk.VRRPInstance) {
	now := wire.Now()
	before := l.instances
	l.instances = make([]*instance, 0, len(specs))
	clear(l.virtual)
	last := make([]*address.Set, len(specs))
	for n, s := range specs {
		at := slices.IndexFunc(before, func(i *instance) bool { return i != nil && i.same(s) })
		var i *instance
		if at >= 0 {
			i, before[at] = before[at], nil
		} else {
			i = &instance{since: time.Now(), ipv6: s.Addresses[0].Prefix.Addr().Is6()}
		}
		l.instances = append(l.instances, i)
		last[n] = l.adopt(i, s)
		for _, a := range i.addresses() {
			l.virtual[a.Prefix.Addr()] = true
		}
	}
	for n, i := range l.instances {
		if last[n] != nil {
			l.did(i, last[n].RemoveExcept(l.moved...))
		}
	}
	l.inherit(now, before)
	l.untidy = true
	l.refresh(now)
	l.moved = l.moved[:0]
	for _, i := range before {
		if i != nil { // it has left by the machine's last actions for it
			l.shut(i)
		}
	}
}

// adopt takes in the configuration of an instance, new or not. What it returns is to be removed but for what is in l.moved.
func (l *loop) adopt(i *instance, s sdk.VRRPInstance) (last *address.Set) {
	old := i.spec
	i.spec = s
	if i.set == nil || !holdsSame(old, s) {
		last = l.hold(i)
	}
	if !speaksSame(old, s) {
		i.at = place{} // opened anew by refresh
	}
	if old.Announcements.ARPInterval != s.Announcements.ARPInterval || old.Announcements.NAInterval != s.Announcements.NAInterval {
		l.unprepare(i)
	}
	if i.tracked == nil || !slices.Equal(old.Interfaces, s.Interfaces) {
		l.track(i)
	}
	return last
}

// refresh brings everything up to what the configuration and the interfaces are now: sockets, announcements, faults.
func (l *loop) refresh(now time.Duration) {
	l.retry, l.made = 0, false
	l.configs = l.configs[:0]
	for _, i := range l.instances {
		l.settle(i, now)
		l.configs = append(l.configs, i.config())
		i.resume = false
	}
	if l.deaf {
		l.deaf, l.holding = false, true
	}
	actions := l.router.Configure(now, l.configs, l.actions[:0])
	for n, m := range l.router.Instances() {
		l.instances[n].machine = m
		l.owners[m] = l.instances[n]
	}
	l.carry(now, actions)
	for _, i := range l.instances {
		switch {
		case i.nowhere: // it has said goodbye, should the interface have another name only
			l.shutSockets(i)
		case i.isMaster() && i.missingAny():
			l.mend(i)
		}
		if i.announceNow && i.isMaster() {
			l.announce(i, now, max(i.spec.Announcements.Repeat, 1))
		}
		i.announceNow = false
	}
	l.sweep(now)
	l.tidy(now)
}

// config is what the machine is told of an instance.
func (i *instance) config() machine.Config {
	a := i.spec.Announcements
	fault, change := i.tracking()
	return machine.Config{
		Name:           i.spec.Name,
		VRID:           i.spec.VirtualRouterID,
		Version:        i.spec.Version,
		Identity:       identity(i.spec),
		Priority:       i.spec.Priority,
		PriorityChange: change,
		AdvertInterval: i.spec.AdvertInterval,
		Preempt:        i.spec.Preempt,
		PreemptDelay:   i.spec.PreemptDelay,
		StartupDelay:   i.spec.StartupDelay,
		Address:        i.at.source,
		Group:          i.spec.SyncGroup,
		Fault:          fault,
		Released:       i.spec.Released,
		Resume:         i.resume,
		Announce: machine.AnnounceConfig{
			Repeat:              a.Repeat,
			Delay:               a.Delay,
			Refresh:             a.Refresh,
			RefreshRepeat:       a.RefreshRepeat,
			LowerPriorityRepeat: a.LowerPriorityRepeat,
			LowerPriorityDelay:  a.LowerPriorityDelay,
		},
	}
}

// tidy removes the interfaces that no instance needs any more, and has the kernel refuse what none accepts.
func (l *loop) tidy(now time.Duration) {
	if !l.untidy {
		return
	}
	l.untidy = false
	var macs []vmac.Router
	var refused []netip.Addr
	for _, i := range l.instances {
		if i.spec.VirtualMAC.Use {
			macs = append(macs, i.virtualMAC())
		}
		if i.spec.DropToVIP && i.spec.Priority != machine.Owner {
			for _, a := range i.addresses() {
				refused = append(refused, a.Prefix.Addr())
			}
		}
	}
	gone, err := l.macs.Sweep(macs...)
	if len(gone) > 0 {
		slices.Sort(gone)
		l.log.Info("virtual MACs removed", "interfaces", gone)
	}
	if err != nil {
		l.log.Error("removing virtual MACs", "error", err)
	}
	_, refusal := l.refusal.Apply(refused)
	if refusal != nil {
		l.log.Error("dropping packets to addresses that are not accepted", "error", refusal)
	}
	if err != nil || refusal != nil && !errors.Is(refusal, address.ErrNoInet) {
		l.untidy = true
		l.again(now + retryAfter)
	}
}
