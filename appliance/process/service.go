package process

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

// A Service is a program that is kept running.
type Service struct {
	Table   *Table
	Command Command
	Log     func(format string, args ...any)
	Grace   time.Duration // that it gets from SIGTERM to SIGKILL at the end

	running atomic.Int64 // its PID, 0 while there is none
	started atomic.Int64 // when, in Unix nanoseconds
}

// Pauses before a service is started again after it has ended.
const (
	shortPause = 250 * time.Millisecond
	longPause  = 30 * time.Second
	// settled is how long a service has to run for its next pause to be short again.
	settled = time.Minute
)

// PID returns the process that runs now, or 0.
func (s *Service) PID() int { return int(s.running.Load()) }

// Started returns when the process that runs now, or ran last, was started.
func (s *Service) Started() time.Time { return time.Unix(0, s.started.Load()) }

// Run starts the service, and starts it again when it ends, with longer and longer pauses while it does so soon. When ctx
// ends it tells the service to end and waits for it.
func (s *Service) Run(ctx context.Context) {
	for pause := shortPause; ; pause = min(2*pause, longPause) {
		begun := time.Now()
		p, err := s.Table.Start(s.Command)
		if err != nil {
			s.Log("%v", err)
		} else {
			s.started.Store(begun.UnixNano())
			s.running.Store(int64(p.PID))
			select {
			case status := <-p.Status:
				s.running.Store(0)
				s.Log("%s ended %s", s.Command.Argv[0], describe(status))
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
	defer s.running.Store(0)
	_ = syscall.Kill(p.PID, syscall.SIGTERM) // it may have ended just now
	select {
	case <-p.Status:
	case <-time.After(s.Grace):
		s.Log("%s does not end, it is killed", s.Command.Argv[0])
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
