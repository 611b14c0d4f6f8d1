package process

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// A Service is a program that is kept running.
type Service struct {
	Table   *Table
	Name    string // as a person knows it
	Command Command
	Log     func(format string, args ...any)
	Grace   time.Duration // that it gets from SIGTERM to SIGKILL at the end
	Slowest time.Duration // the longest pause before it is started again; 0: half a minute

	mu    sync.Mutex
	pid   int       // 0 while there is none
	begun time.Time // when it was started
}

// Pauses before a service is started again after it has ended.
const (
	shortPause = 250 * time.Millisecond
	longPause  = 30 * time.Second
	// settled is how long a service has to run for its next pause to be short again.
	settled = time.Minute
)

// PID returns the process that runs now, or 0.
func (s *Service) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// Runs returns for how long the process has run that runs now; 0: there is none.
func (s *Service) Runs() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pid == 0 {
		return 0
	}
	return time.Since(s.begun)
}

func (s *Service) set(pid int, begun time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid, s.begun = pid, begun
}

// Run starts the service, and starts it again when it ends, with longer and longer pauses while it does so soon. When ctx
// ends it tells the service to end and waits for it.
func (s *Service) Run(ctx context.Context) {
	slowest := s.Slowest
	if slowest == 0 {
		slowest = longPause
	}
	for pause := shortPause; ; pause = min(2*pause, slowest) {
		begun := time.Now()
		p, err := s.Table.Start(s.Command)
		if err != nil {
			s.Log("%s: %v", s.Name, err)
		} else {
			s.set(p.PID, begun)
			select {
			case status := <-p.Status:
				s.set(0, begun)
				s.Log("%s ended %s", s.Name, describe(status))
			case <-ctx.Done():
				s.stop(p)
				return
			}
		}
		if time.Since(begun) >= settled {
			pause = shortPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Service) stop(p *Process) {
	defer s.set(0, time.Time{})
	_ = syscall.Kill(p.PID, syscall.SIGTERM) // it may have ended just now
	select {
	case <-p.Status:
	case <-time.After(s.Grace):
		s.Log("%s does not end, it is killed", s.Name)
		_ = syscall.Kill(p.PID, syscall.SIGKILL)
		<-p.Status
	}
}

func describe(s syscall.WaitStatus) string {
	if s.Signaled() {
		return fmt.Sprintf("by signal %d (%v)", int(s.Signal()), s.Signal())
	}
	return fmt.Sprintf("with exit status %d", s.ExitStatus())
}
