package ssh

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// A process is the program of a session: the leader of a session of the kernel's, setsid(2), by which all that it starts is
// known, and ends with it.
type process struct {
	command *exec.Cmd
	input   *os.File
	outputs map[*os.File]func(ssh.Channel) io.Writer
	tty     *os.File // input and output, where it has a terminal; nil
}

// program starts what a session runs.
func (s *session) program(words []string) (*process, error) {
	argv := append(append([]string(nil), s.server.Program...), words...)
	p := &process{command: exec.Command(argv[0], argv[1:]...), outputs: map[*os.File]func(ssh.Channel) io.Writer{}}
	p.command.Env = append(os.Environ(), s.env...) // of a variable that is there twice the last one counts: exec.Cmd
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	connect := p.pipes
	if s.window != nil {
		connect = func() ([]*os.File, error) { return p.terminal(s.window) }
	}
	theirs, err := connect()
	if err == nil {
		err = p.command.Start()
	}
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("starting %s: %w", strings.Join(words, " "), err)
	}
	return p, nil
}

func stdout(c ssh.Channel) io.Writer { return c }
func stderr(c ssh.Channel) io.Writer { return c.Stderr() }

// terminal makes the program's three files a new terminal. It returns what is the program's alone.
func (p *process) terminal(w *unix.Winsize) ([]*os.File, error) {
	master, tty, err := openTerminal()
	if err != nil {
		return nil, err
	}
	p.tty, p.input = master, master
	p.outputs[master] = stdout
	p.command.Stdin, p.command.Stdout, p.command.Stderr = tty, tty, tty
	p.command.SysProcAttr.Setctty = true // of descriptor 0
	return []*os.File{tty}, setWindow(master, w)
}

// pipes makes the program's three files pipes. It returns what is the program's alone.
func (p *process) pipes() (theirs []*os.File, err error) {
	in, input, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.input, p.command.Stdin = input, in
	theirs = append(theirs, in)
	for _, o := range []struct {
		file *io.Writer
		to   func(ssh.Channel) io.Writer
	}{{&p.command.Stdout, stdout}, {&p.command.Stderr, stderr}} {
		output, out, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		p.outputs[output], *o.file = o.to, out
		theirs = append(theirs, out)
	}
	return theirs, nil
}

// run passes on what is read and written, until the program has ended and all was written, or gone is closed: then all of
// it gets a SIGHUP, and SIGKILL after the bound.
func (p *process) run(c ssh.Channel, gone <-chan struct{}, bound time.Duration) syscall.WaitStatus {
	defer p.close()
	go func() {
		_, _ = io.Copy(p.input, c) // until one of them is closed
		if p.tty != nil {
			_, _ = p.tty.Write([]byte{4}) // the key for an end, termios(3), VEOF
			return
		}
		p.input.Close()
	}()
	var copying sync.WaitGroup
	for f, to := range p.outputs {
		copying.Go(func() { _, _ = io.Copy(to(c), f) }) // until one of them is closed
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.await()
	}()
	select {
	case <-ended:
	case <-gone:
		p.close() // a terminal is hung up by that
		for _, pid := range members(p.command.Process.Pid) {
			_ = unix.Kill(pid, unix.SIGHUP) // it may have ended
		}
		select {
		case <-ended:
		case <-time.After(bound):
		}
	}
	p.kill()
	<-ended
	_ = p.command.Wait() // says how it ended, which is known below
	written := make(chan struct{})
	go func() {
		defer close(written)
		copying.Wait()
	}()
	select {
	case <-written:
	case <-gone:
		p.close()
		<-written
	}
	return p.command.ProcessState.Sys().(syscall.WaitStatus)
}

// close closes our side of its files; a second time does nothing.
func (p *process) close() {
	if p.input != nil {
		p.input.Close()
	}
	for f := range p.outputs {
		f.Close()
	}
}

// await returns when the program has ended, and leaves it as it is: its number, which is that of its session, is nobody
// else's before Wait.
func (p *process) await() {
	for {
		err := unix.Waitid(unix.P_PID, p.command.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// kill ends what is left of a session. What forks meanwhile is found in the next round.
func (p *process) kill() {
	for range 10 {
		left := members(p.command.Process.Pid)
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
		}
		time.Sleep(time.Millisecond)
	}
}

// members are the processes of a session that have not ended, proc_pid_stat(5).
func members(session int) (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // those that were read
	for _, name := range names {
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // no process, or none any more
		}
		var pid, parent, group, id int
		var state string
		// The name of the program is in brackets, and may have some in it.
		_, after, found := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		if n, _ := fmt.Sscan(after, &state, &parent, &group, &id); !found || n < 4 || id != session || state == "Z" {
			continue
		}
		if n, _ := fmt.Sscan(name, &pid); n == 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}
