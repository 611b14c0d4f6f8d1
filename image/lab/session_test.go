package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/guest"
)

// machine is a session with an agent that runs right here, and a way to cut its line.
func machine(t *testing.T) (s *session, cut io.Closer) {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = guest.Serve(theirs)
	}()
	s = newSession("dir1", ours)
	if _, err := s.greet(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.serve()
	}()
	t.Cleanup(func() {
		ours.Close()
		<-ended
		<-served
	})
	return s, ours
}

func TestManyProgramsAtOnceKeepTheirOutputsApart(t *testing.T) {
	s, _ := machine(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			p, err := s.start(nil, nil, []string{"/bin/sh", "-c", fmt.Sprintf("seq %d 100 2000; exit %d", i, i)})
			if err != nil {
				t.Error(err)
				return
			}
			exit, err := p.Wait(t.Context())
			lines := strings.Fields(p.Output())
			if err != nil || exit != i || lines[0] != fmt.Sprint(i) || len(lines) != 20+btoi(i == 0) {
				t.Errorf("program %d: exit %d, %v, %d lines from %s", i, exit, err, len(lines), lines[0])
			}
		})
	}
	wg.Wait()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestMachineThatGoesAwayEndsItsProcessesWithAnError(t *testing.T) {
	s, line := machine(t)
	p, err := s.start(nil, nil, []string{"/bin/sh", "-c", "echo hello; exec sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	for p.Output() == "" {
		time.Sleep(time.Millisecond)
	}
	line.Close()
	if _, err := p.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "the machine is gone") {
		t.Errorf("got %v, want that the machine is gone", err)
	}
	if _, err := s.start(nil, nil, []string{"/bin/true"}); err == nil {
		t.Error("a program was started in a machine that is gone")
	}
}

func TestWaitThatIsGivenUpKillsTheProgramAndSaysWhatItWrote(t *testing.T) {
	s, _ := machine(t)
	p, err := s.start(nil, nil, []string{"/bin/sh", "-c", "echo half-way; sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(ctx); err == nil || !strings.Contains(err.Error(), "half-way") {
		t.Errorf("got %v, want an error with the output", err)
	}
	select {
	case <-p.Done():
	default:
		t.Error("the program still runs")
	}
}
