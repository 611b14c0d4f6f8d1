package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// carry carries out what the machine wants, in its order.
func (l *loop) carry(now time.Duration, actions []machine.Action) {
	l.actions = actions
	for n := range actions {
		a := &actions[n]
		i := l.owners[a.Instance]
		if i == nil {
			continue // it was never opened
		}
		switch a.Kind {
		case machine.SendAdvert:
			l.advertise(i, a.Priority)
		case machine.AddAddresses:
			l.take(i)
		case machine.RemoveAddresses:
			l.give(i)
		case machine.Announce:
			l.announce(i, now, a.Count)
		case machine.Transition:
			l.changed(i, a)
		case machine.Rival:
			l.rival(i, a)
		}
	}
}

// advertise sends an advert. This is the path of a timer: it allocates nothing.
func (l *loop) advertise(i *instance, priority uint8) {
	if i.format == nil {
		return
	}
	p, sent := i.format.Params(), false
	for _, to := range i.peers {
		i.packet = i.format.Append(i.packet[:0], priority, to)
		if err := i.sending.Send(i.packet, advert.Meta{Source: p.Source, Destination: to, TTL: p.TTL}); err != nil {
			i.sendErrors++
			i.failed(err)
			continue
		}
		sent = true
	}
	switch now := wire.Now(); {
	case priority == 0:
		i.sent = 0
		i.slot.Resign()
	case sent: // what nobody can have heard holds nobody back
		if i.sent != 0 {
			i.largestGap = max(i.largestGap, now-i.sent)
		}
		i.sent = now
		i.slot.Advert(now+masterDown(i.spec), i.format.Sequence())
	}
}

// masterDown is the Master_Down_Interval of a backup of the highest priority, 254, which may be master so long after our last
// advert, and none before (RFC 9568 section 6.1, RFC 3768 section 6.1).
func masterDown(s sdk.VRRPInstance) time.Duration {
	if s.Version == 2 {
		return 3*s.AdvertInterval + (256-254)*time.Second/256
	}
	return 3*s.AdvertInterval + (256-254)*s.AdvertInterval/256
}

// failed notes why an advert could not be sent, the first time of many.
func (i *instance) failed(err error) {
	if s := err.Error(); s != i.sendError {
		i.sendError = s
	}
}

// announce tells the network where the addresses are.
func (l *loop) announce(i *instance, now time.Duration, count int) {
	for _, d := range i.devices {
		if d.announcement == nil {
			continue
		}
		l.announcer.Queue(now, d.announcement, count)
		for _, a := range d.addresses {
			i.announced += uint64(count)
			if a.Is4() {
				i.announced += uint64(count) // in both forms
			}
		}
	}
	l.send(now)
}

// send sends the announcements that are due.
func (l *loop) send(now time.Duration) {
	if at, ok := l.announcer.Next(); !ok || at > now {
		return
	}
	if _, err := l.announcer.Send(now); err != nil {
		l.log.Debug("announcing addresses", "error", err)
	}
}

// announceAgain is what an operator asks for.
func (l *loop) announceAgain(i *instance) error {
	if !i.isMaster() {
		return fmt.Errorf("instance %q is %s: only a master announces its addresses", i.spec.Name, i.machine.State())
	}
	if len(i.devices) == 0 {
		return errors.New("there is nothing to announce: " + i.problem)
	}
	l.announce(i, wire.Now(), max(i.spec.Announcements.Repeat, 1))
	return nil
}

// changed tells of a transition.
func (l *loop) changed(i *instance, a *machine.Action) {
	i.since = time.Now()
	l.log.Debug("transition", "instance", i.spec.Name, "from", a.From.String(), "to", a.To.String(), "reason", a.Reason)
	l.report(sdk.VRRPReport{Transitions: []sdk.VRRPTransition{{
		Instance: i.spec.Name,
		From:     sdk.VRRPState(a.From.String()),
		To:       sdk.VRRPState(a.To.String()),
		Priority: i.machine.Status().Priority,
		Reason:   a.Reason,
		Time:     i.since,
	}}})
}

// rival tells of another master, and when it is gone.
func (l *loop) rival(i *instance, a *machine.Action) {
	subject := a.Peer.String()
	if !a.Begins {
		l.endNotices(i, sdk.NoticeRival)
		return
	}
	l.notice(i, sdk.NoticeRival, subject, fmt.Sprintf("%s is master too, with priority %d", subject, a.Priority))
}

// strangeAddresses tells of an advert that lists other addresses than ours: RFC 9568 section 7.1 has it logged.
func (i *instance) strangeAddresses(l *loop, from netip.Addr) {
	now := wire.Now()
	if i.unlike == from || i.unlikeAt != 0 && now-i.unlikeAt < time.Minute { // any number of routers may say so
		return
	}
	i.unlike, i.unlikeAt = from, now
	l.log.Warn("a router of the same ID advertises other addresses than are configured here", "instance", i.spec.Name, "router", from)
}
