package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk/peercred"
)

// adopt takes over the process of a plugin that goes on without its core. It returns nil when there is none to be taken
// over: one of another binary, and one that does not answer, has been stopped by then, without giving up what it holds, for a
// successor to go on with. One whose core lives is an error.
func (s *Supervisor) adopt(ctx context.Context, p Plugin, logger hclog.Logger) (*incarnation, error) {
	if !mustOutlive(p.Kind) {
		return nil, nil
	}
	t, pidfd, ok := s.keep.find(p.String())
	if !ok {
		return nil, nil
	}
	if s.sockets.somebodyElses(t.Folder) {
		unix.Close(pidfd)
		return nil, fmt.Errorf("another core runs plugin %s here, as process %d", p, t.PID)
	}
	in := &incarnation{o: &s.o, limit: s.privilegesOf(p).Memory, socket: t.Folder}
	in.process = adoptProcess(t.PID, pidfd, newLogSink(logger))
	err := s.meet(ctx, in, p, t)
	if err == nil && !s.sameBinary(t.PID) {
		err = errors.New("it is of another binary")
	}
	if err == nil {
		logger.Info("the plugin that a former core has left is taken over", "pid", t.PID)
		return in, nil
	}
	logger.Warn("the plugin that a former core has left is replaced", "pid", t.PID, "because", err)
	if in.conn != nil && !errors.Is(err, errHangs) {
		in.stop(ctx, false)
	}
	in.process.kill()
	in.close()
	s.keep.forget(p.String())
	return nil, nil
}

// meet connects to a plugin that has been running and asks it what it is.
func (s *Supervisor) meet(ctx context.Context, in *incarnation, p Plugin, t trace) error {
	if filepath.Dir(t.Folder) != s.sockets.path || filepath.Dir(t.Socket) != t.Folder {
		return fmt.Errorf("its socket %s is not where sockets are", clip(t.Socket))
	}
	options := append(dialOptions(), grpc.WithTransportCredentials(peercred.New(in.isPlugin(t.UID))))
	conn, err := grpc.NewClient("unix:"+t.Socket, options...)
	if err != nil {
		return fmt.Errorf("connecting to it: %w", err)
	}
	in.conn = conn
	ctx, cancel := context.WithTimeout(ctx, s.o.AdoptTimeout)
	defer cancel()
	return in.describe(ctx, p, s.o.DryRun, s.o.AdoptTimeout)
}

// sameBinary says whether a process runs the file that this supervisor starts plugins from.
func (s *Supervisor) sameBinary(pid int) bool {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return false
	}
	ours, err := s.self.Stat()
	return err == nil && os.SameFile(ours, theirs)
}

// leaveTrace writes down where a plugin is that goes on without its core. It is done when the process has begun, and once
// more when it has said where it listens: one that is found before that is not taken over, and not left beside another.
func (s *Supervisor) leaveTrace(p Plugin, in *incarnation) error {
	pid := in.process.pid()
	started, err := startTime(pid)
	if err != nil {
		return err
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return fmt.Errorf("asking whose plugin %s is: %w", p, err)
	}
	return s.keep.write(p.String(), trace{
		PID: pid, Started: started, UID: int(info.Sys().(*syscall.Stat_t).Uid), Folder: in.socket, Socket: in.process.address(),
	})
}

// adoptProcess returns a process that is nobody's child here. It reads nothing of it: what it writes to stderr went to the
// core that started it, and what it logs comes over the session.
func adoptProcess(pid, pidfd int, log *logSink) *process {
	p := &process{log: log, number: pid, pidfd: pidfd, adopted: true, dead: make(chan struct{}), drained: make(chan struct{})}
	go func() {
		for {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
				break
			}
		}
		p.mu.Lock()
		p.reaped = true
		p.exit = errGone
		unix.Close(pidfd)
		p.mu.Unlock()
		close(p.dead)
		close(p.drained)
	}()
	return p
}

// errGone is how a process ended that somebody else has reaped.
var errGone = errors.New("it is gone")
