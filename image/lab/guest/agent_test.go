package guest_test

import (
	"bytes"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/guest"
	"github.com/evenkeel/evenkeel/image/lab/wire"
)

// An end is the host's end of an agent's line. It is read all the time, as the lab does.
type end struct {
	*wire.Conn
	frames chan wire.Frame
}

// next waits for a frame.
func (e end) next(t *testing.T) wire.Frame {
	t.Helper()
	select {
	case f, ok := <-e.frames:
		if ok {
			return f
		}
		t.Fatal("the line has ended")
	case <-time.After(10 * time.Second):
		t.Fatal("the agent says nothing")
	}
	return wire.Frame{}
}

// host is the other end of an agent's line: the agent of this test runs its programs on the machine that runs the test.
func host(t *testing.T) end {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- guest.Serve(theirs) }()
	e := end{wire.Host(ours), make(chan wire.Frame, 1000)}
	go func() {
		defer close(e.frames)
		for {
			f, err := e.Receive()
			if err != nil {
				return
			}
			e.frames <- f
		}
	}()
	t.Cleanup(func() {
		ours.Close()
		if err := <-done; err != nil {
			t.Errorf("the agent ended with %v when the host went away, want no error", err)
		}
	})
	f := e.next(t)
	var g wire.Greeting
	if err := f.Decode(&g); err != nil || f.Kind != wire.Hello || g.Release == "" || g.Uptime <= 0 {
		t.Errorf("greeting: %+v, %v, want a kernel and an uptime", g, err)
	}
	return e
}

func send(t *testing.T, c end, k wire.Kind, id uint32, body any) {
	t.Helper()
	if err := c.Send(k, id, body); err != nil {
		t.Fatal(err)
	}
}

// finish reads the output of process id until its end.
func finish(t *testing.T, c end, id uint32) (string, wire.Ended) {
	t.Helper()
	var out bytes.Buffer
	for {
		f := c.next(t)
		if f.Process != id {
			t.Fatalf("a frame about process %d, want %d", f.Process, id)
		}
		if f.Kind == wire.Output {
			out.Write(f.Body)
			continue
		}
		var e wire.Ended
		if err := f.Decode(&e); err != nil {
			t.Fatal(err)
		}
		return out.String(), e
	}
}

func shell(script string) wire.Command { return wire.Command{Argv: []string{"/bin/sh", "-c", script}} }

func TestOutputComesBeforeTheExitCode(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, shell(`echo out; echo err >&2; printf '\000\377'; exit 3`))
	if out, e := finish(t, c, 1); out != "out\nerr\n\x00\xff" || e.Code != 3 || e.Error != "" {
		t.Errorf("got %q, %+v", out, e)
	}
}

func TestStandardInputIsEmptyUnlessAskedFor(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, shell("cat"))
	if out, e := finish(t, c, 1); out != "" || e.Code != 0 {
		t.Errorf("got %q, %+v", out, e)
	}
}

func TestStandardInputArrivesWhole(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, wire.Command{Argv: []string{"wc", "-c"}, Stdin: true})
	send(t, c, wire.Stdin, 1, make([]byte, 100_000))
	send(t, c, wire.CloseStdin, 1, nil)
	if out, e := finish(t, c, 1); out != "100000\n" || e.Code != 0 {
		t.Errorf("got %q, %+v", out, e)
	}
}

func TestKilledProcessReportsItsSignalAsAShellDoes(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, shell("echo up; exec sleep 60"))
	if f := c.next(t); f.Kind != wire.Output {
		t.Fatalf("got %+v, want output", f)
	}
	send(t, c, wire.Signal, 1, wire.Kill{Signal: int(syscall.SIGKILL)})
	if _, e := finish(t, c, 1); e.Code != 128+9 {
		t.Errorf("exit code %d, want 137", e.Code)
	}
}

func TestGroupSignalReachesChildren(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, shell("sleep 60 & echo up; wait"))
	if f := c.next(t); f.Kind != wire.Output {
		t.Fatalf("got %+v, want output", f)
	}
	began := time.Now()
	send(t, c, wire.Signal, 1, wire.Kill{Signal: int(syscall.SIGKILL), Group: true})
	finish(t, c, 1)
	// A child that lived would have held the pipe until the agent's patience of 0.3 s was over.
	if d := time.Since(began); d > 250*time.Millisecond {
		t.Errorf("the end was reported after %v: a child was left", d)
	}
}

func TestChildThatKeepsThePipeDoesNotHoldTheEndBack(t *testing.T) {
	c := host(t)
	began := time.Now()
	send(t, c, wire.Exec, 1, shell("sleep 5 & echo done"))
	if out, e := finish(t, c, 1); out != "done\n" || e.Code != 0 {
		t.Errorf("got %q, %+v", out, e)
	}
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("the end was reported after %v", d)
	}
}

func TestProgramThatDoesNotExistIsAnError(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, wire.Command{Argv: []string{"/nowhere/nothing"}})
	if _, e := finish(t, c, 1); e.Error == "" {
		t.Errorf("got %+v, want an error", e)
	}
}

func TestSignalToAProcessThatHasEndedIsIgnored(t *testing.T) {
	c := host(t)
	send(t, c, wire.Exec, 1, shell("true"))
	finish(t, c, 1)
	send(t, c, wire.Signal, 1, wire.Kill{Signal: int(syscall.SIGKILL)})
	send(t, c, wire.Exec, 2, shell("echo still here"))
	if out, _ := finish(t, c, 2); out != "still here\n" {
		t.Errorf("got %q", out)
	}
}
