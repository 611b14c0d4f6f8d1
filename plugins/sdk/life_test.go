package sdk

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// A line is a session stream without a network.
type line struct {
	grpc.ServerStream
	beats   chan uint64
	answers chan uint64
}

func newLine() *line { return &line{beats: make(chan uint64), answers: make(chan uint64, 100)} }

func (l *line) Recv() (*pluginv1.SessionRequest, error) {
	b, ok := <-l.beats
	if !ok {
		return nil, io.EOF
	}
	return &pluginv1.SessionRequest{Beat: b}, nil
}

func (l *line) Send(m *pluginv1.SessionResponse) error {
	l.answers <- m.GetBeat()
	return nil
}

// A stopper is any implementation that wants to be stopped.
type stopper struct {
	stopped chan bool
	wait    time.Duration
}

func (s *stopper) Stop(ctx context.Context, release bool) error {
	time.Sleep(s.wait)
	s.stopped <- release
	return nil
}

// alive makes a life of a kind with an implementation.
func alive(kind Kind) (*life, *stopper) {
	s := &stopper{stopped: make(chan bool, 10)}
	l := newLife(Plugin{info: Info{Kind: kind, Name: "x"}}, hclog.NewNullLogger())
	l.impl, l.opened = s, true
	return l, s
}

// ended says whether the life has ended, and how.
func ended(l *life, s *stopper) (ended, release bool) {
	synctest.Wait()
	if l.ctx.Err() == nil {
		return false, false
	}
	return true, <-s.stopped
}

func TestTheLeaseLastsAsLongAsThereAreBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := alive(KindCheck)
		stream := newLine()
		go l.Session(stream)
		for i := range uint64(10) {
			time.Sleep(leaseTime - time.Second)
			stream.beats <- i
			if a := <-stream.answers; a != i {
				t.Fatalf("beat %d is answered with %d", i, a)
			}
		}
		if over, _ := ended(l, s); over {
			t.Fatal("the plugin ends while the core beats")
		}
		time.Sleep(leaseTime + time.Second)
		if over, release := ended(l, s); !over || release {
			t.Errorf("without a beat: ended %t, released %t; want it to end and leave the world as it is", over, release)
		}
		close(stream.beats)
	})
}

func TestThePluginEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := alive(KindNotify)
		stream := newLine()
		close(stream.beats)
		l.Session(stream)
		if over, release := ended(l, s); !over || release {
			t.Errorf("ended %t, released %t", over, release)
		}
	})
}

func TestAVRRPPluginWaitsForAnotherCoreButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := alive(KindVRRP)
		first := newLine()
		close(first.beats)
		l.Session(first)
		time.Sleep(lingerTime - time.Second)
		if over, _ := ended(l, s); over {
			t.Fatal("it gives up the addresses at once")
		}
		second := newLine() // a core that takes it over
		go l.Session(second)
		time.Sleep(leaseTime / 2)
		second.beats <- 1
		time.Sleep(leaseTime / 2)
		if over, _ := ended(l, s); over {
			t.Fatal("it ends although it has a core again")
		}
		close(second.beats)
		synctest.Wait()
		time.Sleep(lingerTime + time.Second)
		if over, release := ended(l, s); !over || !release {
			t.Errorf("ended %t, released %t; want it to give up the addresses when nobody comes", over, release)
		}
	})
}

func TestAPluginThatNoCoreTalksToEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := alive(KindBalancer)
		l.renew(l.first)
		time.Sleep(firstLease + time.Second)
		if over, release := ended(l, s); !over || release {
			t.Errorf("ended %t, released %t", over, release)
		}
	})
}

func TestStopWaitsForTheAuthorAndNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := alive(KindCheck)
		s.wait = 2 * time.Second
		began := time.Now()
		if _, err := l.Stop(t.Context(), &pluginv1.StopRequest{Within: durationpb.New(5 * time.Second), Release: true}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d != s.wait {
			t.Errorf("Stop was answered after %s, want %s", d, s.wait)
		}
		if over, release := ended(l, s); !over || !release {
			t.Errorf("ended %t, released %t", over, release)
		}
		if _, err := l.Stop(t.Context(), &pluginv1.StopRequest{}); err != nil || len(s.stopped) > 0 {
			t.Errorf("a second Stop: %v, the author was asked again: %t", err, len(s.stopped) > 0)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l, s := alive(KindCheck)
		s.wait = time.Hour
		began := time.Now()
		l.Stop(t.Context(), &pluginv1.StopRequest{Within: durationpb.New(5 * time.Second)})
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("Stop was answered after %s, want 5s", d)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestTheCoreFindsAPluginThatIsSilent(t *testing.T) {
	conn, done := ServeInProcess(checkPlugin(), nil)
	defer done()
	c := NewPluginClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := c.Session(ctx, 10*time.Millisecond, 100*time.Millisecond, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a session with a plugin that answers ends with %v", err)
	}

	mute := NewPluginClient(muteConn{conn})
	began := time.Now()
	err := mute.Session(t.Context(), 10*time.Millisecond, 100*time.Millisecond, nil)
	if err == nil || !strings.Contains(err.Error(), "no answer for 100ms") {
		t.Errorf("a session with a plugin that is silent ends with %v", err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("it took %s", d)
	}
}

// A muteConn is a connection to a plugin that never answers in a stream.
type muteConn struct{ grpc.ClientConnInterface }

func (m muteConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return muteStream{ctx: ctx}, nil
}

type muteStream struct {
	grpc.ClientStream
	ctx context.Context
}

func (m muteStream) SendMsg(any) error { return nil }

func (m muteStream) RecvMsg(any) error {
	<-m.ctx.Done()
	return m.ctx.Err()
}

func TestAPluginIsNotBlamedForATimeInWhichTheCoreItselfStoodStill(t *testing.T) {
	for beats, want := range map[int]time.Duration{1: 8 * time.Second, 2: 6 * time.Second, 3: 0, 5: 0} {
		if got := stoodStill(beats, 2*time.Second, 10*time.Second); got != want {
			t.Errorf("after %d beats without an answer it gets %v more, want %v", beats, got, want)
		}
	}
}
