package script

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A run is one run of a program, which is the leader of a process group of its own.
type run struct {
	command []string
	who     *syscall.Credential // nil: as this process
	env     []string
}

// An ending is how a program ended.
type ending struct {
	status syscall.WaitStatus
	last   string // line of its output
}

// said returns the last line of the output, to be put after a reason.
func (e ending) said() string {
	if e.last == "" {
		return ""
	}
	return ": " + e.last
}

// Times at the end of a program.
const (
	politeness = 500 * time.Millisecond // between SIGTERM and SIGKILL, when its time is over
	lastWords  = 50 * time.Millisecond  // for what is still in the pipe when it has ended
)

// do runs the program until it ends, or until ctx does: its process group gets SIGTERM then, and SIGKILL half a second
// later. Processes of the group that are left when the program has ended are killed, too. An error means that the
// program did not start.
func (r run) do(ctx context.Context) (ending, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return ending{}, fmt.Errorf("making a pipe: %w", err)
	}
	defer out.Close()
	cmd := &exec.Cmd{
		Path: r.command[0], Args: r.command, Env: r.env, Dir: "/",
		Stdout: in, Stderr: in, // stdin is /dev/null
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Credential: r.who},
	}
	// Files that this process was started with are not the program's business. Without close_range(2) of Linux 5.11 it
	// gets those that were not marked.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	err = cmd.Start()
	in.Close()
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			return ending{}, errno
		}
		return ending{}, err
	}

	var said tail
	read := make(chan struct{})
	go func() {
		defer close(read)
		said.readFrom(out)
	}()
	g := &group{id: cmd.Process.Pid}
	stop := context.AfterFunc(ctx, g.end)
	waited := ended(g.id)
	stop()
	g.gone() // before the number may become another's
	err = cmd.Wait()
	// A process that has left the group may hold the pipe for ever.
	out.SetReadDeadline(time.Now().Add(lastWords))
	<-read
	state := cmd.ProcessState
	if state == nil {
		return ending{}, fmt.Errorf("waiting for it: %w", errors.Join(waited, err))
	}
	return ending{status: state.Sys().(syscall.WaitStatus), last: said.line()}, nil
}

// ended returns when the process has ended, and leaves it a zombie, so that its number is still its own.
func ended(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// A group is a process group whose leader has not been reaped.
type group struct {
	id    int
	mu    sync.Mutex
	over  bool
	timer *time.Timer
}

// end asks the group to end, and makes it a little later.
func (g *group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	g.signal(unix.SIGTERM)
	g.timer = time.AfterFunc(politeness, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.over {
			g.signal(unix.SIGKILL)
		}
	})
}

// gone kills what is left of the group, and nothing after that.
func (g *group) gone() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	if g.timer != nil {
		g.timer.Stop()
	}
	g.signal(unix.SIGKILL)
}

// signal sends a signal to all of the group. An error means that there is nobody left.
func (g *group) signal(s unix.Signal) { _ = unix.Kill(-g.id, s) }
