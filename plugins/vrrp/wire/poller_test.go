package wire

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func poller(t testing.TB) *Poller {
	t.Helper()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// wait returns the tokens that are ready.
func wait(t testing.TB, p *Poller, room int) []Token {
	t.Helper()
	tokens := make([]Token, room)
	n, err := p.Wait(tokens)
	if err != nil {
		t.Fatal(err)
	}
	return tokens[:n]
}

// datagrams returns a pair of sockets.
func datagrams(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func say(t testing.TB, fd int, data string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func deadline(t testing.TB, p *Poller, at time.Duration) {
	t.Helper()
	if err := p.SetDeadline(at); err != nil {
		t.Fatal(err)
	}
}

func TestADeadlineIsNeverEarlyAndComesOnce(t *testing.T) {
	p := poller(t)
	for range 20 {
		at := Now() + 2*time.Millisecond
		deadline(t, p, at)
		if got := wait(t, p, 4); !slices.Equal(got, []Token{Timer}) {
			t.Fatalf("ready: %v", got)
		}
		if now := Now(); now < at {
			t.Errorf("%v early", at-now)
		}
	}
	p.Wake() // with nothing else to wait for, the passed deadline must not show again
	if got := wait(t, p, 4); !slices.Equal(got, []Token{Woken}) {
		t.Errorf("ready: %v", got)
	}
}

func TestAPassedDeadlineComesAtOnce(t *testing.T) {
	p := poller(t)
	deadline(t, p, 1)
	if got := wait(t, p, 4); !slices.Equal(got, []Token{Timer}) {
		t.Errorf("ready: %v", got)
	}
	at := Now() - time.Second
	for range 2 { // the same one again is a new one once it has come
		deadline(t, p, at)
		if got := wait(t, p, 4); !slices.Equal(got, []Token{Timer}) {
			t.Errorf("ready: %v", got)
		}
	}
}

func TestADeadlineIsReplacedOrTakenBack(t *testing.T) {
	p := poller(t)
	deadline(t, p, Now()+time.Hour)
	at := Now() + 5*time.Millisecond
	deadline(t, p, at)
	wait(t, p, 4)
	if now := Now(); now < at || now > at+10*time.Second {
		t.Errorf("%v after the second deadline", now-at)
	}
	deadline(t, p, Now()+time.Millisecond)
	deadline(t, p, 0)
	time.AfterFunc(20*time.Millisecond, p.Wake)
	if got := wait(t, p, 4); !slices.Equal(got, []Token{Woken}) {
		t.Errorf("ready: %v", got)
	}
}

func TestSocketsComeBeforeTheTimer(t *testing.T) {
	p := poller(t)
	a, b := datagrams(t)
	if err := p.Add(b, 1<<40|7); err != nil {
		t.Fatal(err)
	}
	deadline(t, p, 1)
	p.Wake()
	say(t, a, "advert")
	if got := wait(t, p, 4); !slices.Equal(got, []Token{1<<40 | 7, Woken, Timer}) {
		t.Errorf("ready: %v", got)
	}
	if got := wait(t, p, 4); !slices.Equal(got, []Token{1<<40 | 7}) {
		t.Errorf("a socket that was not read is ready: %v", got)
	}
}

func TestWithLittleRoomEverythingComesInItsTurn(t *testing.T) {
	p := poller(t)
	for i := range 3 {
		a, b := datagrams(t)
		if err := p.Add(b, Token(i)); err != nil {
			t.Fatal(err)
		}
		say(t, a, "advert")
	}
	deadline(t, p, 1)
	seen := map[Token]bool{}
	for range 12 {
		for _, token := range wait(t, p, 1) {
			seen[token] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("ready in twelve calls: %v", seen)
	}
}

func TestWhatIsRemovedIsNotWaitedFor(t *testing.T) {
	p := poller(t)
	a, b := datagrams(t)
	if err := p.Add(b, 1); err != nil {
		t.Fatal(err)
	}
	say(t, a, "advert")
	if err := p.Remove(b); err != nil {
		t.Fatal(err)
	}
	p.Wake()
	if got := wait(t, p, 4); !slices.Equal(got, []Token{Woken}) {
		t.Errorf("ready: %v", got)
	}
	if err := p.Remove(b); err == nil {
		t.Error("it is removed twice")
	}
	if err := p.Add(-1, 1); err == nil {
		t.Error("no file descriptor is waited for")
	}
}

func TestWakeComesFromAnywhereAndAfterTheEnd(t *testing.T) {
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 1000 {
			p.Wake()
		}
	}()
	if got := wait(t, p, 4); !slices.Equal(got, []Token{Woken}) {
		t.Errorf("ready: %v", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	<-done
	p.Wake()
	if err := p.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if _, err := p.Wait(make([]Token, 1)); err == nil {
		t.Error("a closed poller waits")
	}
}

func TestWaitingAllocatesNothing(t *testing.T) {
	p := poller(t)
	tokens := make([]Token, 4)
	if n := testing.AllocsPerRun(100, func() {
		if p.SetDeadline(Now()) != nil {
			t.Error("no deadline")
		}
		if n, err := p.Wait(tokens); n != 1 || err != nil {
			t.Error(n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a deadline", n)
	}
}
