package switchboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// A script is a Talk that says one thing, and is over when the answer has what it waits for. The answer is its error, so
// that a test can see it.
type script struct {
	says, until string
	hear        func()                                          // called by Hear
	rest        func(ctx context.Context, conn io.Reader) error // what Rest does
}

// A heard is what was heard, and how it ended.
type heard struct {
	answer string
	end    error
}

func (h *heard) Error() string { return fmt.Sprintf("heard %.100q, end %v", h.answer, h.end) }

func (s *script) Say(b []byte, _ sdk.Target) []byte { return append(b, s.says...) }

func (s *script) Hear(_ sdk.Target, answer []byte, end error) (more bool, err error) {
	if s.hear != nil {
		s.hear()
	}
	return !bytes.Contains(answer, []byte(s.until)), &heard{string(answer), end}
}

func (s *script) Rest(ctx context.Context, _ sdk.Target, conn *dialog.Conn) error {
	conn.Bound(-1)
	return s.rest(ctx, conn)
}

// expect complains unless a probe has heard that.
func expect(t *testing.T, what string, err error, answer string, end error) {
	t.Helper()
	var got *heard
	if !errors.As(err, &got) || got.answer != answer || got.end != end {
		t.Errorf("%s: %v, want %q, end %v", what, err, answer, end)
	}
}

func TestSomethingIsSaidAndTheAnswerIsHeardOnASocketThatIsUsedAgain(t *testing.T) {
	h := newHarness(t)
	made := h.countSockets()
	shouts := targetAt(sdktest.Accept(t, func(c *net.TCPConn) {
		var line [6]byte
		io.ReadFull(c, line[:])
		c.Write(append(bytes.ToUpper(line[:]), "\nand more that nobody listens to"...))
		io.Copy(io.Discard, c)
	}))
	for i := range 100 {
		word := fmt.Sprintf("hi %03d", i)
		var got *heard
		err := h.talk(0, shouts, &script{says: word, until: "\n"})
		if !errors.As(err, &got) || !strings.HasPrefix(got.answer, strings.ToUpper(word)+"\n") || got.end != nil {
			t.Fatalf("probe %d: %v", i, err)
		}
	}
	if *made != 1 {
		t.Errorf("%d sockets were made", *made)
	}
}

func TestAServerThatSpeaksFirstIsListenedTo(t *testing.T) {
	h := newHarness(t)
	err := h.talk(0, targetAt(sdktest.Greet(t, "220 hello\r\n")), &script{until: "\n"})
	expect(t, "a greeting", err, "220 hello\r\n", nil)
}

func TestAnAnswerInPiecesIsHeardFromItsBeginningEachTime(t *testing.T) {
	h := newHarness(t)
	slow := sdktest.Accept(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 1))
		for _, piece := range []string{"one ", "two ", "three"} {
			io.WriteString(c, piece)
			time.Sleep(20 * time.Millisecond)
		}
	})
	looks := 0
	err := h.talk(0, targetAt(slow), &script{says: "x", until: "three", hear: func() { looks++ }})
	expect(t, "three pieces", err, "one two three", nil)
	if looks < 2 || looks > 3 {
		t.Errorf("it was looked at %d times", looks)
	}
	err = h.talk(0, targetAt(slow), &script{says: "x", until: "four"})
	expect(t, "three pieces of four", err, "one two three", io.EOF)
}

func TestTheEndOfAConnectionIsHeard(t *testing.T) {
	h := newHarness(t)
	reset := func(t *testing.T, before string) sdk.Target {
		return targetAt(sdktest.Accept(t, func(c *net.TCPConn) {
			c.Read(make([]byte, 1))
			io.WriteString(c, before)
			time.Sleep(20 * time.Millisecond)
			c.SetLinger(0)
		}))
	}
	for _, tt := range []struct {
		name   string
		target sdk.Target
		answer string
		end    error
	}{
		{"closed without a word", targetAt(sdktest.Answer(t, "")), "", io.EOF},
		{"closed after one", targetAt(sdktest.Answer(t, "bye")), "bye", io.EOF},
		{"reset without a word", reset(t, ""), "", unix.ECONNRESET},
		{"reset after one", reset(t, "bye"), "bye", unix.ECONNRESET},
	} {
		expect(t, tt.name, h.talk(0, tt.target, &script{says: "x", until: "."}), tt.answer, tt.end)
	}
	l, gone := listen(t, "127.0.0.1")
	l.Close()
	if err := h.talk(0, gone, &script{says: "x"}); err == nil || err.Error() != "connect "+l.Addr().String()+": connection refused" {
		t.Errorf("a server that refuses: %v", err)
	}
}

func TestWhatAServerSaysBeforeItIsSpokenToCountsAlsoWhenItHasGone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		linger int
		end    error
	}{
		{"reset", 0, unix.ECONNRESET},
		{"closed", -1, io.EOF},
	} {
		for _, says := range []string{"x", ""} {
			h := newHarness(t)
			eager := sdktest.Accept(t, func(c *net.TCPConn) {
				io.WriteString(c, "busy")
				c.SetLinger(tt.linger)
			})
			h.Start(0, targetAt(eager), &script{says: says, until: "."})
			time.Sleep(50 * time.Millisecond) // by then it has gone
			expect(t, fmt.Sprintf("%s, said %q", tt.name, says), h.until(0, 5*time.Second), "busy", tt.end)
		}
	}
}

func TestManyAreTalkedToAtOnceEachWithItsOwnAnswer(t *testing.T) {
	h := newHarness(t)
	echo := targetAt(sdktest.Accept(t, func(c *net.TCPConn) { io.Copy(c, c) }))
	const n = 300
	for range 3 {
		for i := range n {
			h.Start(i, echo, &script{says: fmt.Sprintf("I am %d.", i), until: "."})
			if i%8 == 7 {
				h.look()
			}
		}
		for i := range n {
			expect(t, fmt.Sprint("probe ", i), h.until(i, 5*time.Second), fmt.Sprintf("I am %d.", i), nil)
		}
	}
}

func TestSomethingIsSaidOnceThereIsAConnectionHoweverLongThatTakes(t *testing.T) {
	h := newHarness(t)
	address, hear := sdktest.Deaf(t)
	h.Start(0, targetAt(address), &script{says: "x", until: "."})
	if h.look(); len(h.over) > 0 {
		t.Fatalf("it is over: %v", h.over[0])
	}
	if c := &h.calls[0]; c.stage != connecting {
		t.Fatalf("it is in stage %d", c.stage)
	}
	hear()
	for end := time.Now().Add(5 * time.Second); h.calls[0].stage == connecting && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		h.look()
	}
	if at := h.calls[0].stage; at != listening {
		t.Errorf("it is in stage %d", at)
	}
	expect(t, "when it is stopped", h.Stop(0), "", os.ErrDeadlineExceeded)
}

func TestWhatIsLongerThanTheSocketsBufferIsSaidInPieces(t *testing.T) {
	h := newHarness(t)
	counts := sdktest.Accept(t, func(c *net.TCPConn) {
		time.Sleep(50 * time.Millisecond)
		n, _ := io.CopyN(io.Discard, c, 16<<20)
		fmt.Fprintf(c, "%d.", n)
	})
	h.Start(0, targetAt(counts), &script{says: strings.Repeat("x", 16<<20), until: "."})
	if h.look(); h.calls[0].stage != saying {
		t.Errorf("it is in stage %d", h.calls[0].stage)
	}
	expect(t, "16 MiB", h.until(0, 5*time.Second), "16777216.", nil)
}

func TestALongAnswerIsHeardToItsEndByAGoroutine(t *testing.T) {
	h := newHarness(t)
	drip := func(c *net.TCPConn) {
		c.Read(make([]byte, 1))
		for range 2 * Pieces {
			io.WriteString(c, "drip ")
			time.Sleep(5 * time.Millisecond)
		}
	}
	long := strings.Repeat("long ", Glance)
	for name, tt := range map[string]struct {
		server net.Addr
		want   string
	}{
		"long":    {sdktest.Answer(t, long), long},
		"in many": {sdktest.Accept(t, drip), strings.Repeat("drip ", 2*Pieces)},
	} {
		all := ""
		talk := &script{says: "x", until: ".", rest: func(_ context.Context, conn io.Reader) error {
			b, err := io.ReadAll(io.LimitReader(conn, int64(len(tt.want))))
			all = string(b)
			return errors.Join(err, errors.New("heard it"))
		}}
		h.Start(7, targetAt(tt.server), talk)
		h.look()
		waited := false
		for end := time.Now().Add(5 * time.Second); h.over[7] == nil && time.Now().Before(end); h.look() {
			waited = h.Wait()
		}
		if err := h.over[7]; !waited || err == nil || err.Error() != "heard it" || all != tt.want {
			t.Errorf("%s: %v, %d bytes, want %d", name, err, len(all), len(tt.want))
		}
		delete(h.over, 7)
	}
}

func TestAProbeThatIsStoppedWhileAGoroutineListensIsNeverHeardOfAgain(t *testing.T) {
	h := newHarness(t)
	endless := targetAt(sdktest.Endless(t, "", "x"))
	var ended atomic.Int64
	talk := &script{says: "x", until: ".", rest: func(ctx context.Context, conn io.Reader) error {
		defer ended.Add(1)
		_, err := io.Copy(io.Discard, conn)
		if ctx.Err() == nil {
			t.Errorf("it ends before it is stopped: %v", err)
		}
		return err
	}}
	const n = 20
	for i := range n {
		h.Start(i, endless, talk)
	}
	for end := time.Now().Add(5 * time.Second); h.rests.running < n && time.Now().Before(end); time.Sleep(time.Millisecond) {
		h.look()
	}
	for i := range n {
		var got *heard
		if err := h.Stop(i); !errors.As(err, &got) || len(got.answer) < Pieces || got.end != os.ErrDeadlineExceeded {
			t.Errorf("probe %d is stopped: %v", i, err)
		}
		h.Start(i, targetAt(sdktest.Greet(t, "hello.")), &script{until: "."}) // with its number
	}
	for i := range n {
		expect(t, "the next with its number", h.until(i, 5*time.Second), "hello.", nil)
	}
	for end := time.Now().Add(5 * time.Second); h.rests.running > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		h.look()
	}
	if ended.Load() != n || h.rests.running != 0 || len(h.over) > 0 {
		t.Errorf("%d of %d goroutines have ended, %d are said to run, heard of %v", ended.Load(), n, h.rests.running, h.over)
	}
	if ready, _ := unix.Poll([]unix.PollFd{{Fd: int32(h.epoll), Events: unix.POLLIN}}, 0); ready != 0 {
		t.Error("Wait would not wait")
	}
}

func TestAPanicIsTheEndOfOneProbe(t *testing.T) {
	h := newHarness(t)
	server := targetAt(sdktest.Endless(t, "", "x"))
	for name, talk := range map[string]*script{
		"Hear": {says: "x", until: ".", hear: func() { panic("ouch") }},
		"Rest": {says: "x", until: ".", rest: func(context.Context, io.Reader) error { panic("ouch") }},
	} {
		if err := h.talk(0, server, talk); err == nil || err.Error() != "the probe panicked: ouch" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClosingWaitsForGoroutinesAndLeavesNothingOpen(t *testing.T) {
	server := targetAt(sdktest.Endless(t, "", "x"))
	before := descriptors(t)
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{Board: b}
	ended := false
	h.Start(0, server, &script{says: "x", until: ".", rest: func(ctx context.Context, _ io.Reader) error {
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		ended = true
		return nil
	}})
	for end := time.Now().Add(5 * time.Second); h.rests.running == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		h.look()
	}
	h.Stop(0)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if !ended {
		t.Error("a goroutine goes on")
	}
	for end := time.Now().Add(5 * time.Second); descriptors(t) > before && time.Now().Before(end); { // the server's own goes with the reset
		time.Sleep(time.Millisecond)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}
