package vrrp

import (
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/link"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// This file has what an instance speaks by: sockets, and the form of its adverts.

// settle opens an instance where its interface is now.
func (l *loop) settle(i *instance, now time.Duration) {
	at, problem := l.find(i)
	i.problem = problem
	if problem == "" && (at != i.at || i.format == nil) {
		if err := l.open(i, at); err != nil {
			i.problem = err.Error()
			l.again(now + retryAfter)
		}
	}
	// An interface that comes back under its old index has forgotten the groups that were joined on it.
	if i.nowhere = at.index == 0; i.nowhere {
		i.at = place{}
	}
	if i.problem != "" {
		i.at.source = at.source // what is known of it
	}
	l.prepare(i, now)
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
		mac, problem := l.macvlan(i, base)
		if problem != "" {
			return at, problem
		}
		// A macvlan has no link-local address of its own for adverts over IPv6 to leave from.
		if !s.VirtualMAC.AdvertsFromBase && !i.ipv6 {
			at.sending = mac
		}
	}
	if at.source = s.Source; at.source.IsValid() {
		return at, ""
	}
	of, what := l.links.IPv4, "IPv4 address"
	if i.ipv6 {
		of, what = l.links.LinkLocal, "IPv6 link-local address"
	}
	at.source, ok = of(s.Interface, l.isVirtual)
	if !ok && s.Priority == machine.Owner { // the virtual address is its own, whether it has it now or not
		at.source = s.Addresses[0].Prefix.Addr()
		ok = !i.ipv6 || at.source.IsLinkLocalUnicast()
	}
	if !ok {
		return at, "interface " + s.Interface + " has no " + what + " for adverts to come from"
	}
	return at, ""
}

// macvlan returns the index of the instance's macvlan, which is made, and set up, when it is not as it was left.
func (l *loop) macvlan(i *instance, base link.Link) (index int, problem string) {
	mac, ok := l.links.Link(i.device())
	if ok && i.over == base.Index && i.macvlan == mac.Index && (mac.Up || !base.Up) {
		return mac.Index, ""
	}
	// To make one takes 20 ms. Nobody's adverts wait for more than that: the next is made in another turn.
	if !ok && l.made && slices.ContainsFunc(l.instances, (*instance).isMaster) {
		l.again(1)
		return 0, "the interface of its virtual MAC is about to be made"
	}
	l.made = l.made || !ok
	if _, err := l.macs.Ensure(i.virtualMAC()); err != nil {
		l.again(wire.Now() + retryAfter)
		return 0, err.Error()
	}
	if l.look() {
		l.again(1) // at once: what was seen may concern others, which have been settled already
	}
	if mac, ok = l.links.Link(i.device()); !ok {
		return 0, "there is no interface " + i.device()
	}
	i.over, i.macvlan = base.Index, mac.Index
	return mac.Index, ""
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

// shutSockets closes what an instance speaks by.
func (l *loop) shutSockets(i *instance) {
	if i.format == nil {
		return
	}
	i.sequence = i.format.Sequence()
	used := i.used
	i.listening, i.used, i.format = nil, nil, nil
	l.dropAll(i, used)
}

// shut closes an instance that is gone.
func (l *loop) shut(i *instance) {
	l.unprepare(i)
	l.shutSockets(i)
	for _, n := range i.open() {
		l.endNotice(i, n.Kind, n.Subject)
	}
	delete(l.owners, i.machine)
	if !slices.ContainsFunc(l.instances, func(o *instance) bool { return o.key() == i.key() }) {
		i.slot.Free()
	}
}
