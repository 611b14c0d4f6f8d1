// Package announce tells the network where a virtual address is now: by gratuitous ARP (RFC 5227, RFC 5944 section 4.6) and
// unsolicited neighbour advertisements (RFC 4861 section 7.2.6). Switches learn the port from the frames' source, neighbours
// the hardware address from what is in them.
//
// Gratuitous ARP comes in two forms, and each is ignored by somebody: so both are sent, the request first.
//
// The frames are built when the configuration is read ([Announcer.Prepare]) and written to a raw socket that stays open, one
// per interface: to announce takes one system call a frame and allocates nothing. The interface needs no address of its own
// family, and none at all.
//
// An [Announcer] has no clock and no goroutine. The loop that has them queues announcements, asks [Announcer.Next] when to
// come back and calls [Announcer.Send] then. Times are of any monotonic clock.
package announce

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// An Announcer sends announcements. It belongs to one thread at a time.
type Announcer struct {
	lanes []*lane
	open  func(Interface) (socket, error)
}

// A Pace is the least times after a frame of an announcement until the next one on its interface, of gratuitous ARP and of
// neighbour advertisements (keepalived's garp_interval and gna_interval), for switches that take too many for an attack. 0 is
// none.
type Pace struct{ ARP, ND time.Duration }

// A socket writes frames.
type socket interface {
	Write(frame []byte) error
	Close() error
}

// New returns an announcer for the network namespace of the thread that calls its Prepare.
func New() *Announcer { return &Announcer{open: openPacket} }

// A lane is the frames of one family on one interface, which keep their distance.
type lane struct {
	port *port
	v6   bool
	next time.Duration // not before
	head *job
	tail *job
}

// A port is an interface's socket, as long as an announcement needs it.
type port struct {
	Interface
	socket socket
	users  int
	dead   bool // the interface is gone: another may have its index some day
}

// An Announcement is the frames for an instance's addresses on one interface.
type Announcement struct {
	jobs []*job // one a family
}

// A job is one family's share of an announcement.
type job struct {
	lane   *lane
	pause  time.Duration // after each frame
	frames [][]byte
	at     int // the next frame
	rounds int // left, this one included; 0: not queued
	tries  int // of the next frame, that failed for lack of room
	next   *job
}

// Prepare builds the frames for addresses and opens the interface's socket. It sends nothing. Prepare anew, and Release the
// old one, when an interface has been deleted and made again, or has another hardware address.
func (a *Announcer) Prepare(i Interface, addresses []netip.Addr, router bool, pace Pace) (*Announcement, error) {
	shares := [2]job{{pause: pace.ARP}, {pause: pace.ND}}
	for _, address := range addresses {
		frames, err := Frames(i.Hardware, address, router)
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", i.Name, err)
		}
		share := &shares[0]
		if address.Is6() {
			share = &shares[1]
		}
		share.frames = append(share.frames, frames...)
	}
	announcement := &Announcement{}
	for n := range shares {
		share := &shares[n]
		if len(share.frames) == 0 {
			continue
		}
		l, err := a.lane(i, n == 1)
		if err != nil {
			a.Release(announcement)
			return nil, err
		}
		share.lane = l
		l.port.users++
		announcement.jobs = append(announcement.jobs, share)
	}
	return announcement, nil
}

func (a *Announcer) lane(i Interface, v6 bool) (*lane, error) {
	var p *port
	for _, l := range a.lanes {
		if l.port.Index != i.Index || l.port.dead {
			continue
		}
		if p = l.port; l.v6 == v6 {
			return l, nil
		}
	}
	if p == nil {
		s, err := a.open(i)
		if err != nil {
			return nil, fmt.Errorf("open a packet socket on interface %s: %w", i.Name, err)
		}
		p = &port{Interface: i, socket: s}
	}
	l := &lane{port: p, v6: v6}
	a.lanes = append(a.lanes, l)
	return l, nil
}

// Release cancels an announcement and closes the sockets that no other needs.
func (a *Announcer) Release(announcement *Announcement) {
	a.Cancel(announcement)
	for _, j := range announcement.jobs {
		p := j.lane.port
		if p.users--; p.users > 0 {
			continue
		}
		p.socket.Close()
		kept := a.lanes[:0]
		for _, l := range a.lanes {
			if l.port != p {
				kept = append(kept, l)
			}
		}
		a.lanes = kept
	}
	announcement.jobs = nil
}

// Queue has every address of an announcement announced count times: all of them once, then all of them again. One that is
// queued already begins again. Announcements that are queued on one interface take turns after each round.
func (a *Announcer) Queue(now time.Duration, announcement *Announcement, count int) {
	for _, j := range announcement.jobs {
		queued := j.rounds > 0
		j.rounds, j.at, j.tries = max(count, 0), 0, 0
		switch {
		case queued && j.rounds == 0:
			j.lane.remove(j)
		case !queued && j.rounds > 0:
			j.lane.push(j)
		}
		j.lane.next = max(j.lane.next, now)
	}
}

// Cancel forgets what of an announcement has not been sent: the instance is not master any more.
func (a *Announcer) Cancel(announcement *Announcement) {
	for _, j := range announcement.jobs {
		if j.rounds > 0 {
			j.rounds = 0
			j.lane.remove(j)
		}
	}
}

// Next returns when Send has something to do, if ever.
func (a *Announcer) Next() (at time.Duration, ok bool) {
	for _, l := range a.lanes {
		if l.head != nil && (!ok || l.next < at) {
			at, ok = l.next, true
		}
	}
	return at, ok
}

const (
	// atOnce is how many frames one Send sends at most: adverts, which have deadlines, can be sent in between.
	atOnce = 64
	// An interface that has no room for a frame is asked again after a pause, so many times.
	pause = time.Millisecond
	tries = 100
)

// Send sends the frames that are due, of which some may be left after 64: then Next says that they are due. A frame that
// cannot be sent is given up, but for lack of room in the interface's queue: then it is tried again for a tenth of a second.
// sent is how many went out, err the first failure.
func (a *Announcer) Send(now time.Duration) (sent int, err error) {
	for _, l := range a.lanes {
		for n := 0; l.head != nil && l.next <= now && n < atOnce; n++ {
			switch failed := a.sendOne(l, now); {
			case failed == nil:
				sent++
			case failed == errNoRoom:
			case err == nil:
				err = fmt.Errorf("announce on interface %s: %w", l.port.Name, failed)
			}
		}
	}
	return sent, err
}

var errNoRoom = errors.New("no room")

func (a *Announcer) sendOne(l *lane, now time.Duration) error {
	j := l.head
	err := l.port.socket.Write(j.frames[j.at])
	if full := err == unix.EAGAIN || err == unix.ENOBUFS; full && j.tries < tries {
		j.tries++
		l.next = now + pause
		return errNoRoom
	}
	l.port.dead = l.port.dead || err == unix.ENXIO || err == unix.ENODEV
	l.next = now + j.pause
	j.tries = 0
	if j.at++; j.at < len(j.frames) {
		return err
	}
	l.remove(j)
	j.at = 0
	if j.rounds--; j.rounds > 0 {
		l.push(j)
	}
	return err
}

func (l *lane) push(j *job) {
	j.next = nil
	if l.head == nil {
		l.head = j
	} else {
		l.tail.next = j
	}
	l.tail = j
}

func (l *lane) remove(j *job) {
	var before *job
	for at := l.head; at != nil; before, at = at, at.next {
		if at != j {
			continue
		}
		if before == nil {
			l.head = at.next
		} else {
			before.next = at.next
		}
		if l.tail == j {
			l.tail = before
		}
		j.next = nil
		return
	}
}

// Close closes all sockets.
func (a *Announcer) Close() error {
	var failed []error
	closed := make(map[*port]bool)
	for _, l := range a.lanes {
		if !closed[l.port] {
			closed[l.port] = true
			failed = append(failed, l.port.socket.Close())
		}
	}
	a.lanes = nil
	return errors.Join(failed...)
}
