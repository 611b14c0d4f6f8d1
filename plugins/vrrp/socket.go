package vrrp

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// A socket is shared by all instances with the same key, of which each is one virtual router.
type socket struct {
	*wire.Socket
	key     wire.Key
	routers [256]*instance // that are listened for, by virtual router ID
	users   int            // instances that listen or send here
}

// use returns the socket of a key, which is opened if need be.
func (l *loop) use(key wire.Key) (*socket, error) {
	s := l.sockets[key]
	if s == nil {
		open, err := wire.Open(key)
		if err != nil {
			return nil, fmt.Errorf("opening the socket for %s: %w", key.Address, err)
		}
		s = &socket{Socket: open, key: key}
		if err := l.add(s); err != nil {
			s.Close()
			return nil, err
		}
		l.sockets[key] = s
	}
	s.users++
	return s, nil
}

// listen has a virtual router's adverts come to an instance, nil to nobody.
func (s *socket) listen(id uint8, i *instance) error {
	if s.routers[id] == i {
		return nil
	}
	s.routers[id] = i
	var ids wire.VRIDs
	for n, r := range s.routers {
		ids[n] = r != nil
	}
	return s.Admit(ids)
}

// drop closes a socket that nobody uses any more.
func (l *loop) drop(s *socket) {
	if s.users--; s.users > 0 {
		return
	}
	delete(l.sockets, s.key)
	l.remove(s)
	s.Close()
}

// batches is how often one ready reads: more than a socket's buffer has room for, so that all that waits is read before a
// timer runs, but a flood does not keep the loop from its own adverts.
const batches = 64

// ready reads all adverts that wait.
func (s *socket) ready(l *loop, now time.Duration) {
	for range batches {
		packets, err := s.Receive()
		if err != nil {
			if !errors.Is(err, unix.ENETDOWN) { // said once when the interface goes down, which the monitor says too
				l.log.Debug("reading adverts", "error", err)
			}
			return
		}
		if len(packets) == 0 {
			return
		}
		l.unrest.worked(now)
		for i := range packets {
			l.receive(s, &packets[i], now)
		}
	}
}

// receive takes in one packet. What fails a check changes nothing but its counter.
func (l *loop) receive(s *socket, p *wire.Packet, now time.Duration) {
	id, reason := advert.VRID(p.Data, s.key.Address.Is6())
	in := s.routers[id]
	if in == nil || in.format == nil {
		l.unknown++
		return
	}
	if reason != advert.Accepted {
		in.discards.add(reason, p.Source)
		return
	}
	a, reason := in.format.Parse(p.Data, p.Meta)
	if reason != advert.Accepted {
		in.discards.add(reason, p.Source)
		return
	}
	in.received++
	if !a.SameAddresses {
		in.strangeAddresses(l, a.Source)
	}
	l.carry(now, l.router.Advert(now, in.machine, machine.Advert{Source: a.Source, Priority: a.Priority, Interval: a.Interval}, l.actions[:0]))
}
