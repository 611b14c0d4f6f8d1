package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// many are virtual routers that are owners, so that they are master at once.
func many(n int, every time.Duration) []sdk.VRRPInstance {
	var all []sdk.VRRPInstance
	for i := range n {
		v := named(fmt.Sprintf("VI_%d", i), uint8(i+1), fmt.Sprintf("10.0.1.%d/24", i+1))
		v.Priority, v.AdvertInterval = 255, every
		all = append(all, v)
	}
	return all
}

func TestNSATurnThatSendsAdvertsAllocatesNothing(t *testing.T) {
	const masters = 10
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, many(masters, 10*time.Millisecond)...)
	s.becomes(p, "VI_9", sdk.VRRPMaster)
	if err := p.loop.do(t.Context(), func() error {
		l := p.loop
		sent := func() (n uint64) {
			for _, i := range l.instances {
				n += i.machine.Status().Sent
			}
			return n
		}
		before := sent()
		var failed error
		const turns = 50
		least := 1.0
		for n := 0; least != 0 && n < 5; n++ { // in some turns there is something else: an interface's event, a late timer
			least = min(least, testing.AllocsPerRun(turns, func() { failed = errors.Join(failed, l.turn()) }))
		}
		if least != 0 || failed != nil {
			t.Errorf("%v allocations a turn, %v", least, failed)
		}
		if n := sent() - before; n < turns/2 {
			t.Errorf("%d adverts in %d turns: these turns are not those of timers", n, turns)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNSTwoHundredMastersStopInTime(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, many(200, time.Second)...)
	s.becomes(p, "VI_199", sdk.VRRPMaster)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.Stop(ctx, true); err != nil {
		t.Error(err)
	}
	t.Logf("200 masters stopped in %v", time.Since(began))
	if s.has("eth0", netip.MustParsePrefix("10.0.1.200/24")) {
		t.Error("an address is left")
	}
}

func TestNSAFloodHoldsUpNoAdvert(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter())
	s.becomes(p, "VI_1", sdk.VRRPMaster)
	// A number that ends: this process has real time too, and two that sent for ever would leave nothing to anybody.
	r := s.router(func(q *advert.Params) { q.Interval = 30 * time.Millisecond })
	packet := r.packet(50)
	packet[len(packet)-1]++ // its checksum is wrong
	before := s.status(p, "VI_1").AdvertsSent
	const many = 20000
	for range many {
		_ = r.socket.Send(packet, advert.Meta{Source: peer, Destination: group, TTL: 255}) // ENOBUFS, as it may be
	}
	s.until("adverts go on", func() bool { return s.status(p, "VI_1").AdvertsSent > before+2 })
	is := s.status(p, "VI_1")
	if is.State != sdk.VRRPMaster || is.BecameMaster != 1 || len(is.Discarded) != 1 || is.Discarded[0].Count < 100 {
		t.Errorf("after the flood it is %+v", is)
	}
	t.Logf("%d of %d adverts discarded, largest gap %v", is.Discarded[0].Count, many, is.LargestAdvertGap)
}

// A core that hangs while its connection stands reads nothing.
func TestAWatcherThatHangsIsToldTheStateOfEverythingAtLast(t *testing.T) {
	w := newWatcher()
	state := sdk.VRRPReport{Snapshot: true}
	l := &loop{watchers: []*watcher{w}}
	now := func() sdk.VRRPReport { return state }
	if !w.tell(state, now) {
		t.Fatal("it is over before it began")
	}
	for n := range 10 * queueMost {
		w.tell(sdk.VRRPReport{Transitions: []sdk.VRRPTransition{{Instance: "VI_1", Priority: uint8(n)}}}, now)
	}
	if n := len(w.queue); n > queueMost {
		t.Errorf("%d reports wait for it", n)
	}
	if !w.queue[0].Snapshot {
		t.Error("what waits does not begin with the state of everything")
	}
	w.end()
	l.report(sdk.VRRPReport{})
	if len(l.watchers) != 0 || len(w.queue) != 0 {
		t.Error("it is told more when it has gone")
	}
}

func TestNSAWatchThatWasGivenUpBeforeItBeganIsForgotten(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	ctx, cancel := context.WithCancel(t.Context())
	busy, free := make(chan struct{}), make(chan struct{})
	go p.loop.do(t.Context(), func() error { close(busy); <-free; return nil })
	<-busy
	ended := make(chan error, 1)
	go func() { ended <- p.Watch(ctx, func(sdk.VRRPReport) {}) }()
	s.until("it is asked for", func() bool {
		p.loop.mu.Lock()
		defer p.loop.mu.Unlock()
		return len(p.loop.calls) == 1
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	close(free)
	if err := p.loop.do(t.Context(), func() error {
		p.loop.report(sdk.VRRPReport{})
		if n := len(p.loop.watchers); n != 0 {
			t.Errorf("%d watchers are told what nobody hears", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// An advert that could not be sent keeps no backup from taking over: a successor must not count on it.
func TestNSAnAdvertThatWasNotSentIsNotKept(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.Priority, v.AdvertInterval = 255, 10*time.Second }))
	if err := p.loop.do(t.Context(), func() error {
		i := p.loop.instances[0]
		closed, err := wire.Open(i.sending.key)
		if err != nil {
			return err
		}
		closed.Close()
		defer func(open *socket) { i.sending = open }(i.sending)
		i.sending = &socket{Socket: closed}
		i.sent = wire.Now() - time.Hour
		was := i.sent
		p.loop.advertise(i, 255)
		if i.sendErrors != 1 || i.sendError == "" {
			t.Errorf("%d errors: %q", i.sendErrors, i.sendError)
		}
		if i.sent != was || i.largestGap != 0 {
			t.Error("it counts as sent")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
