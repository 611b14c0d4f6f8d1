package vrrp

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/announce"
	"github.com/evenkeel/evenkeel/plugins/vrrp/link"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// A tracked is an interface whose state counts for an instance.
type tracked struct {
	sdk.TrackedInterface
	link.Debounce
}

// track begins to track the interfaces of a new configuration; the instance's own is always among them.
func (l *loop) track(i *instance) {
	list := slices.Clone(i.spec.Interfaces)
	if !slices.ContainsFunc(list, func(t sdk.TrackedInterface) bool { return t.Name == i.spec.Interface }) {
		list = append([]sdk.TrackedInterface{{Name: i.spec.Interface}}, list...)
	}
	before := i.tracked
	i.tracked = i.tracked[:0:0]
	for _, t := range list {
		n := slices.IndexFunc(before, func(b *tracked) bool { return b.TrackedInterface == t })
		if n >= 0 {
			i.tracked = append(i.tracked, before[n])
			continue
		}
		now, ok := l.links.Link(t.Name)
		i.tracked = append(i.tracked, &tracked{t, link.NewDebounce(ok && now.Up, t.UpDelay, t.DownDelay)})
	}
}

// tracking returns what the tracked things make of an instance: why it can't take part, or what is added to its priority.
func (i *instance) tracking() (fault string, change int) {
	fault, change = cmp.Or(i.wrong, i.problem, i.spec.Fault), i.spec.PriorityChange
	for _, t := range i.tracked {
		up := t.Up()
		switch {
		case t.Weight == 0 && !up && fault == "":
			fault = fmt.Sprintf("interface %s is down", t.Name)
		case t.Weight > 0 && up, t.Weight < 0 && !up:
			change += t.Weight
		}
	}
	return fault, change
}

// A linkSource has the loop look at the interfaces when something happens to them.
type linkSource struct{ *link.Monitor }

func (linkSource) ready(l *loop, now time.Duration) {
	if l.look() {
		l.refresh(now)
	}
}

// look reads what has happened to the interfaces, and says whether anything has.
func (l *loop) look() bool {
	events, err := l.links.Read(l.events[:0])
	l.events = events
	if err != nil {
		l.log.Error("reading what happens to the interfaces", "error", err)
	}
	now := wire.Now()
	for n := range events {
		l.happened(&events[n], now)
	}
	return len(events) > 0
}

// happened takes in one event.
func (l *loop) happened(e *link.Event, now time.Duration) {
	for _, i := range l.instances {
		for _, t := range i.tracked {
			if t.Name == e.Link.Name {
				is, ok := l.links.Link(t.Name)
				t.See(now, ok && is.Up)
			}
		}
		if i.machine == nil || !i.on(e.Link.Name) {
			continue
		}
		if e.Kind == link.Gone { // or has another name, and our addresses still
			l.unswept = true
		}
		if !i.isMaster() {
			continue
		}
		is, _ := l.links.Link(e.Link.Name)
		switch {
		case e.Kind == link.AddressRemoved && is.Up && i.holds(e.Address.Addr()): // IPv6 addresses go with their interface
			l.lost(i, e.Address)
		case e.Kind == link.Appeared, e.Kind == link.Up, e.Kind == link.Gone && e.Link.Name != i.spec.Interface: // else it is in FAULT
			l.mend(i)
		}
	}
}

// on says whether an instance has addresses on an interface.
func (i *instance) on(name string) bool {
	return slices.ContainsFunc(i.devices, func(d device) bool { return d.Name == name })
}

// debounce believes what has lasted long enough, and says whether that is news.
func (l *loop) debounce(now time.Duration) (news bool) {
	for _, i := range l.instances {
		for _, t := range i.tracked {
			if at, ok := t.Next(); ok && at <= now && t.Expire(now) {
				news = true
			}
		}
	}
	return news
}

// nextDebounce returns when that has something to say.
func (l *loop) nextDebounce() (at time.Duration, ok bool) {
	for _, i := range l.instances {
		for _, t := range i.tracked {
			if is, waits := t.Next(); waits && (!ok || is < at) {
				at, ok = is, true
			}
		}
	}
	return at, ok
}

// isVirtual says whether an address is one of an instance's.
func (l *loop) isVirtual(a netip.Addr) bool { return l.virtual[a] }

// A device is an interface with addresses of an instance.
type device struct {
	announce.Interface
	addresses    []netip.Addr
	announcement *announce.Announcement // nil where there is nobody to tell: not Ethernet
}

// prepare makes ready what is announced of an instance, where that has changed.
func (l *loop) prepare(i *instance, now time.Duration) {
	var want []device
	for _, a := range i.addresses() {
		n := slices.IndexFunc(want, func(d device) bool { return d.Name == a.Interface })
		if n < 0 {
			is, ok := l.links.Link(a.Interface)
			if !ok {
				continue // nothing can be announced there
			}
			n = len(want)
			want = append(want, device{Interface: announce.Interface{Name: is.Name, Index: is.Index, Hardware: is.Hardware}})
		}
		want[n].addresses = append(want[n].addresses, a.Prefix.Addr())
	}
	same := func(a, b device) bool { return a.Interface == b.Interface && slices.Equal(a.addresses, b.addresses) }
	if slices.EqualFunc(i.devices, want, same) {
		return
	}
	l.unprepare(i)
	for _, d := range want {
		if err := l.announcing(i, &d); err != nil {
			l.log.Error("addresses can't be announced", "instance", i.spec.Name, "interface", d.Name, "error", err)
			l.again(now + retryAfter)
			continue
		}
		i.devices = append(i.devices, d)
	}
	l.holding = true
}

// announcing makes ready what is announced on a device.
func (l *loop) announcing(i *instance, d *device) error {
	if d.Hardware == [6]byte{} {
		return nil
	}
	router, err := l.links.Forwards6(d.Index)
	if err != nil {
		return err
	}
	pace := announce.Pace{ARP: i.spec.Announcements.ARPInterval, ND: i.spec.Announcements.NAInterval}
	d.announcement, err = l.announcer.Prepare(d.Interface, d.addresses, router, pace)
	return err
}

// unprepare forgets what is announced of an instance.
func (l *loop) unprepare(i *instance) {
	for _, d := range i.devices {
		if d.announcement != nil {
			l.announcer.Release(d.announcement)
		}
	}
	i.devices = i.devices[:0]
}
