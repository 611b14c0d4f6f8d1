package vrrp

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
	"github.com/evenkeel/evenkeel/plugins/vrrp/announce"
	"github.com/evenkeel/evenkeel/plugins/vrrp/conflict"
	"github.com/evenkeel/evenkeel/plugins/vrrp/keep"
	"github.com/evenkeel/evenkeel/plugins/vrrp/link"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
	"github.com/evenkeel/evenkeel/plugins/vrrp/vmac"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// realTimePriority is that of SCHED_RR: above ordinary processes, below the kernel's own threads.
const realTimePriority = 50

// A loop owns all that the plugin has. Everything in it belongs to its thread, but for what do and ended need.
type loop struct {
	log        hclog.Logger
	privileges string // what real time the system lets it have, in words

	poller    *wire.Poller
	kernel    *address.Kernel
	macs      *vmac.Kernel
	refusal   *address.Refusal
	links     *link.Monitor
	announcer *announce.Announcer
	conflicts *conflict.Listener
	keep      *keep.File

	router    *machine.Router
	instances []*instance                     // in the order of the configuration
	owners    map[*machine.Instance]*instance // of actions; those that are gone are in it until their last action
	sockets   map[wire.Key]*socket
	sources   []source // by token
	ready     []wire.Token
	virtual   map[netip.Addr]bool // all addresses of all instances
	inherited bool                // the first configuration is in place
	abandoned time.Duration       // when what predecessors have left is nobody's any more; 0: it is dealt with
	unswept   bool                // something of ours may be where it should not
	untidy    bool                // there may be interfaces and rules that nobody needs, or too few
	made      bool                // a virtual MAC, in this refresh
	moved     []*address.Set      // during a new configuration: what masters hold by it that did not hold the same before
	holding   bool                // other addresses are held than claims are listened for
	deaf      bool                // they could not be listened for
	ledger    conflict.Ledger

	// Kept for their memory.
	actions []machine.Action
	configs []machine.Config
	events  []link.Event
	claims  []conflict.Conflict

	watchers []*watcher
	lateness lateness
	unrest   unrest
	unknown  uint64        // adverts of virtual routers that are not ours, which the kernel's filter let through
	retry    time.Duration // when what failed is tried again; 0: nothing failed
	leaving  bool

	mu    sync.Mutex
	calls []func()
	ended chan struct{} // closed when the thread is gone
}

// A source is something that the loop waits for.
type source interface {
	FD() int
	// ready is called when there is something to read; what is left is read at the next call.
	ready(l *loop, now time.Duration)
}

// start opens what the loop needs, and starts it on a thread of its own, on which enter is called first.
func start(log hclog.Logger, keepDir string, enter func() error) (*loop, error) {
	l := &loop{
		log:     log,
		router:  machine.New(),
		owners:  map[*machine.Instance]*instance{},
		sockets: map[wire.Key]*socket{},
		virtual: map[netip.Addr]bool{},
		ledger:  conflict.Ledger{Patience: claimLasts, Quiet: quiet, Most: claimsMost},
		ended:   make(chan struct{}),
	}
	opened := make(chan error, 1)
	go l.run(keepDir, enter, opened)
	if err := <-opened; err != nil {
		return nil, err
	}
	return l, nil
}

// openAll opens everything, on the loop's thread, in whose network namespace it all is.
func (l *loop) openAll(keepDir string) (err error) {
	grant, missing := wire.RealTime(realTimePriority)
	l.privileges = grant.String()
	if missing != nil {
		l.log.Warn("adverts may be late on a busy machine", "because", missing)
		l.privileges += "; " + missing.Error()
	}
	if keepDir != "" {
		if l.keep, err = keep.Open(keepDir); err != nil {
			return err
		}
	}
	l.abandoned = max(l.keep.Until(), 1)
	if l.poller, err = wire.NewPoller(); err != nil {
		return err
	}
	if l.kernel, err = address.Open(); err != nil {
		return err
	}
	if l.macs, err = vmac.Open(); err != nil {
		return err
	}
	if l.links, err = link.Open(); err != nil {
		return err
	}
	l.refusal = address.NewRefusal()
	l.announcer = announce.New()
	if l.conflicts, err = conflict.Listen(); err != nil {
		return err
	}
	if err := l.add(linkSource{l.links}); err != nil {
		return err
	}
	return l.add(claimSource{l.conflicts})
}

// close closes what openAll has opened, and leaves the world as it is.
func (l *loop) close() {
	for _, s := range l.sockets {
		s.Close()
	}
	if l.conflicts != nil {
		l.conflicts.Close()
	}
	if l.announcer != nil {
		l.announcer.Close()
	}
	if l.links != nil {
		l.links.Close()
	}
	if l.macs != nil {
		l.macs.Close()
	}
	if l.kernel != nil {
		l.kernel.Close()
	}
	if l.poller != nil {
		l.poller.Close()
	}
	l.keep.Close()
}

// run is the thread, to which wire.RealTime locks it for good.
func (l *loop) run(keepDir string, enter func() error, opened chan<- error) {
	defer close(l.ended)
	defer l.close()
	err := enter()
	if err == nil {
		err = l.openAll(keepDir)
	}
	opened <- err
	if err != nil {
		return
	}
	for !l.leaving {
		if err := l.turn(); err != nil {
			panic(fmt.Sprintf("the vrrp plugin can't go on: %v", err)) // the addresses stay, and a successor takes them up
		}
	}
}

// turn waits for the next thing, and does it. Whatever has arrived is read before a timer runs.
func (l *loop) turn() error {
	if err := l.poller.SetDeadline(l.deadline()); err != nil {
		return fmt.Errorf("setting the deadline: %w", err)
	}
	asked := wire.Now()
	n, err := l.poller.Wait(l.ready)
	if err != nil {
		return fmt.Errorf("waiting: %w", err)
	}
	if err := l.unrest.note(asked, wire.Now()); err != nil {
		return err
	}
	for _, t := range l.ready[:n] {
		switch t {
		case wire.Woken:
			l.called()
		case wire.Timer: // below
		default:
			if s := l.sources[t]; s != nil { // it may have gone by what was read before
				s.ready(l, wire.Now())
			}
		}
	}
	if l.leaving {
		return nil // whatever is due, nobody is to see it any more
	}
	now := wire.Now()
	actions, late := l.router.Tick(now, l.actions[:0])
	l.lateness.note(late)
	l.carry(now, actions)
	l.send(now)
	if l.abandoned != 0 && l.abandoned <= now {
		l.abandon()
	}
	if l.debounce(now) || l.retry != 0 && l.retry <= now {
		l.refresh(now)
	}
	l.judge(now)
	l.hear()
	return nil
}

// deadline returns when the next timer is due; 0: there is none.
func (l *loop) deadline() time.Duration {
	at := l.retry
	earlier := func(t time.Duration, ok bool) {
		if ok && (at == 0 || t < at) {
			at = max(t, 1)
		}
	}
	earlier(l.abandoned, l.abandoned != 0)
	earlier(l.router.Next())
	earlier(l.announcer.Next())
	earlier(l.nextDebounce())
	earlier(l.ledger.Next())
	return at
}

// add waits for a source too.
func (l *loop) add(s source) error {
	t := len(l.sources)
	for i, free := range l.sources {
		if free == nil {
			t = i
		}
	}
	if err := l.poller.Add(s.FD(), wire.Token(t)); err != nil {
		return fmt.Errorf("waiting for a socket: %w", err)
	}
	if t == len(l.sources) {
		l.sources = append(l.sources, nil)
		l.ready = make([]wire.Token, len(l.sources)+2) // room for all at once: see machine.Router.Tick
	}
	l.sources[t] = s
	return nil
}

// remove waits for it no longer.
func (l *loop) remove(s source) {
	for t, is := range l.sources {
		if is == s {
			l.sources[t] = nil
			if err := l.poller.Remove(s.FD()); err != nil {
				l.log.Error("a socket is still waited for", "error", err)
			}
		}
	}
}

// An unrest sees to it that a loop with real time which turns without end does not take the machine with it.
type unrest struct {
	since time.Duration // of the last time that the loop waited, or had an advert to read
	turns int           // from then on: a machine that stood still has made none
}

// How long a wait is at least, and how long and how often the loop may turn without one.
const (
	aWait    = 20 * time.Microsecond
	noLonger = 5 * time.Second
	noMore   = 1000
)

// note takes in one wait, from when to when.
func (u *unrest) note(asked, woken time.Duration) error {
	if u.since == 0 || woken-asked >= aWait {
		u.worked(woken)
		return nil
	}
	if u.turns++; u.turns > noMore && woken-u.since > noLonger {
		return fmt.Errorf("it has turned %d times in %v, and never waited", u.turns, woken-u.since)
	}
	return nil
}

// worked notes that there was an advert: who sends many of them keeps the loop busy, and that is no fault of its own.
func (u *unrest) worked(now time.Duration) { *u = unrest{since: now} }

// lateAfter is when a timer counts as late.
const lateAfter = 10 * time.Millisecond

// lateness counts the timers that ran late.
type lateness struct {
	count uint64
	most  time.Duration
}

func (c *lateness) note(late time.Duration) {
	if late > lateAfter {
		c.count++
	}
	c.most = max(c.most, late)
}
