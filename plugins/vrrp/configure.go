package vrrp

import (
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
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
	for _, s := range specs {
		n := slices.IndexFunc(before, func(i *instance) bool { return i != nil && i.same(s) })
		var i *instance
		if n >= 0 {
			i, before[n] = before[n], nil
		} else {
			i = &instance{began: now, since: time.Now(), ipv6: s.Addresses[0].Prefix.Addr().Is6()}
		}
		l.instances = append(l.instances, i)
		l.adopt(i, s, now)
		for _, a := range i.addresses() {
			l.virtual[a.Prefix.Addr()] = true
		}
	}
	l.inherit(now)
	l.refresh(now)
	for _, i := range before {
		if i != nil { // it has left by the machine's last actions for it
			l.shut(i)
		}
	}
	l.tidy()
}

// adopt takes in the configuration of an instance, new or not.
func (l *loop) adopt(i *instance, s sdk.VRRPInstance, now time.Duration) {
	old := i.spec
	i.spec = s
	if i.set == nil || !holdsSame(old, s) {
		l.hold(i, now)
	}
	if i.format != nil && !speaksSame(old, s) {
		i.at = place{} // opened anew by refresh
	}
	if i.tracked == nil || !slices.Equal(old.Interfaces, s.Interfaces) {
		l.track(i)
	}
}

// hold prepares another set of addresses. A master puts the new ones in place before the old ones go.
func (l *loop) hold(i *instance, now time.Duration) {
	next, err := l.kernel.NewSet(i.addresses(), i.routes())
	if err != nil { // what the core has checked, the kernel's library has not understood
		l.log.Error("the addresses can't be", "instance", i.spec.Name, "error", err)
		return
	}
	last := i.set
	i.set = next
	if last == nil || i.machine.State() != machine.Master {
		return
	}
	added := i.set.Add()
	l.did(i, added, now)
	l.did(i, last.RemoveExcept(next), now)
	i.announceNow = len(added) > 0
}

// inherit looks at what a predecessor has left of instances that are new: it goes on as master, or its addresses go.
func (l *loop) inherit(now time.Duration) {
	for _, i := range l.instances {
		if i.machine != nil || i.slot != nil || i.set == nil {
			continue
		}
		left, _ := l.keep.Before(i.key())
		i.slot, i.sequence = l.keep.Slot(i.key()), left.Sequence
		held, of, err := i.set.Held()
		if err != nil {
			l.log.Error("looking for addresses", "instance", i.spec.Name, "error", err)
		}
		// A backup of the highest priority may be master this long after our last advert, and none before.
		i.resume = left.Advert != 0 && now-left.Advert < masterDown(i.spec) && held == of
		if !i.resume {
			l.did(i, i.set.Remove(), now)
		}
	}
	if l.inherited {
		return
	}
	l.inherited = true
	var sets []*address.Set
	for _, i := range l.instances {
		if i.set != nil {
			sets = append(sets, i.set)
		}
	}
	for _, c := range l.kernel.Sweep(sets...) {
		l.log.Info("a predecessor has left it", "done", c.String())
	}
}

// masterDown is the Master_Down_Interval of a backup with priority 254 (RFC 9568 section 6.1, RFC 3768 section 6.1).
func masterDown(s sdk.VRRPInstance) time.Duration {
	if s.Version == 2 {
		return 3*s.AdvertInterval + (256-254)*time.Second/256
	}
	return 3*s.AdvertInterval + (256-254)*s.AdvertInterval/256
}

// refresh brings everything up to what the configuration and the interfaces are now: sockets, announcements, faults.
func (l *loop) refresh(now time.Duration) {
	l.retry = 0
	l.configs = l.configs[:0]
	for _, i := range l.instances {
		l.settle(i, now)
		l.configs = append(l.configs, i.config())
		i.resume = false
	}
	actions := l.router.Configure(now, l.configs, l.actions[:0])
	for n, m := range l.router.Instances() {
		l.instances[n].machine = m
		l.owners[m] = l.instances[n]
	}
	l.carry(now, actions)
	for _, i := range l.instances {
		if i.machine.State() == machine.Master && i.missingAny() {
			l.did(i, i.set.Sync(), now)
		}
		if i.announceNow {
			i.announceNow = false
			l.announce(i, now, max(i.spec.Announcements.Repeat, 1))
		}
	}
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

// settle opens an instance where its interface is now.
func (l *loop) settle(i *instance, now time.Duration) {
	at, problem := l.find(i)
	i.problem = problem
	if problem == "" && (at != i.at || i.format == nil) {
		if err := l.open(i, at); err != nil {
			i.problem = err.Error()
			l.retry = now + retryAfter
		}
	}
	if i.problem != "" {
		i.at.source = at.source // what is known of it
	}
	l.prepare(i)
}

// find looks where an instance can be opened, or says why it can't.
func (l *loop) find(i *instance) (at place, problem string) {
	s := i.spec
	base, ok := l.links.Link(s.Interface)
	if !ok {
		return at, "there is no interface " + s.Interface
	}
	at.index, at.sending = base.Index, base.Index
	if s.VirtualMAC.Use {
		created, err := l.macs.Ensure(i.virtualMAC())
		if err != nil {
			return at, err.Error()
		}
		if created {
			l.look()
		}
		mac, ok := l.links.Link(i.device())
		if !ok {
			return at, "there is no interface " + i.device()
		}
		// A macvlan has no link-local address of its own for adverts over IPv6 to leave from.
		if !s.VirtualMAC.AdvertsFromBase && !i.ipv6 {
			at.sending = mac.Index
		}
	}
	if at.source = s.Source; at.source.IsValid() {
		return at, ""
	}
	of, what := l.links.IPv4, "IPv4 address"
	if i.ipv6 {
		of, what = l.links.LinkLocal, "IPv6 link-local address"
	}
	virtual := l.isVirtual
	if s.Priority == machine.Owner { // the virtual address is its own
		virtual = nil
	}
	if at.source, ok = of(s.Interface, virtual); !ok {
		return at, "interface " + s.Interface + " has no " + what + " for adverts to come from"
	}
	return at, ""
}

// open opens the sockets of an instance and prepares its adverts. What was open before is closed when that has worked.
func (l *loop) open(i *instance, at place) error {
	p := i.params(at.source)
	if i.format != nil {
		p.Sequence = i.format.Sequence()
	}
	format, err := advert.New(p)
	if err != nil {
		return err
	}
	here := i.group()
	peers := []netip.Addr{here}
	if len(i.spec.UnicastPeers) > 0 {
		here, peers = at.source, i.spec.UnicastPeers
	}
	ah := i.spec.Authentication.Type == "ah"
	var used []*socket
	use := func(index int, ah bool) *socket {
		if err != nil {
			return nil
		}
		var s *socket
		if s, err = l.use(wire.Key{Index: index, Address: here, AH: ah}); err == nil {
			used = append(used, s)
		}
		return s
	}
	listening := []*socket{use(at.index, false)}
	if i.spec.Version == 2 { // one of them should hear nothing, and what it hears is counted
		listening = append(listening, use(at.index, true))
	}
	sending := use(at.sending, ah)
	for _, s := range listening {
		if err == nil {
			err = s.listen(i.spec.VirtualRouterID, i)
		}
	}
	if err != nil {
		for _, s := range used {
			l.drop(s)
		}
		return err
	}
	old := i.used
	i.format, i.listening, i.sending, i.peers, i.used, i.at = format, listening, sending, peers, used, at
	l.dropAll(i, old)
	return nil
}

// params are what an instance speaks.
func (i *instance) params(source netip.Addr) advert.Params {
	s := i.spec
	p := advert.Params{
		Version:      s.Version,
		VRID:         s.VirtualRouterID,
		Source:       source,
		Interval:     s.AdvertInterval,
		Addresses:    i.advertised(),
		Password:     s.Authentication.Password,
		Sequence:     max(i.sequence, advert.StartSequence(time.Now())),
		PseudoHeader: s.RFC5798Checksum,
		TTL:          s.UnicastTTL.Send,
	}
	switch s.Authentication.Type {
	case "pass":
		p.Authentication = advert.Password
	case "ah":
		p.Authentication = advert.AH
	}
	for _, peer := range s.UnicastPeers {
		p.Peers = append(p.Peers, advert.Peer{Address: peer, MinTTL: s.UnicastTTL.Min, MaxTTL: s.UnicastTTL.Max})
	}
	p.CheckPeers = len(p.Peers) > 0
	if len(p.Peers) == 0 {
		p.TTL = 0
	}
	return p
}

// dropAll gives up the sockets that an instance used.
func (l *loop) dropAll(i *instance, used []*socket) {
	for _, s := range used {
		if s.routers[i.spec.VirtualRouterID] == i && !slices.Contains(i.listening, s) {
			if err := s.listen(i.spec.VirtualRouterID, nil); err != nil {
				l.log.Error("a socket still hears a virtual router that is gone", "instance", i.spec.Name, "error", err)
			}
		}
		l.drop(s)
	}
}

// shut closes an instance that is gone.
func (l *loop) shut(i *instance) {
	for _, d := range i.devices {
		l.announcer.Release(d.announcement)
	}
	used := i.used
	i.listening, i.used, i.format = nil, nil, nil
	l.dropAll(i, used)
	for k := range i.notices {
		l.endNotice(i, k.kind, k.subject)
	}
	delete(l.owners, i.machine)
}

// tidy removes what no instance needs any more, and has the kernel refuse what none accepts.
func (l *loop) tidy() {
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
	if gone, err := l.macs.Sweep(macs...); err != nil {
		l.log.Error("removing virtual MACs", "error", err)
	} else if len(gone) > 0 {
		l.log.Info("virtual MACs removed", "interfaces", gone)
	}
	if _, err := l.refusal.Apply(refused); err != nil {
		l.log.Error("dropping packets to addresses that are not accepted", "error", err)
	}
}
