package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/lab/wire"
)

// Agent serves the line (see Node.Line) until the host closes it.
func Agent(line string) error {
	f, err := openLine(line)
	if err != nil {
		return fmt.Errorf("open the line to the host: %w", err)
	}
	defer f.Close()
	return Serve(f)
}

// openLine opens a serial port as a clean 8-bit line, or a virtio serial port by its name.
func openLine(line string) (*os.File, error) {
	if name, ok := strings.CutPrefix(line, "virtio:"); ok {
		files, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == name {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(file)), os.O_RDWR, 0)
			}
		}
		return nil, fmt.Errorf("no virtio serial port is named %s", name)
	}
	f, err := os.OpenFile(line, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	// cfmakeraw(3)
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CLOCAL | unix.CREAD
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return f, unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
}

// Serve does what the host asks for over the line, until its end.
func Serve(line io.ReadWriter) error {
	a := &agent{conn: wire.Guest(line), processes: map[uint32]*process{}}
	if err := a.conn.Send(wire.Hello, 0, greeting()); err != nil {
		return err
	}
	for {
		f, err := a.conn.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.handle(f); err != nil {
			return err
		}
	}
}

type agent struct {
	conn *wire.Conn

	mu        sync.Mutex
	processes map[uint32]*process
}

// A process is one that the host asked for.
type process struct {
	pid   int
	stdin chan []byte // nil when it reads /dev/null
}

func (a *agent) handle(f wire.Frame) error {
	if f.Kind == wire.Exec {
		var c wire.Command
		if err := f.Decode(&c); err != nil {
			return err
		}
		if err := a.start(f.Process, c); err != nil {
			return a.conn.Send(wire.Exit, f.Process, wire.Ended{Code: 127, Error: err.Error()})
		}
		return nil
	}
	a.mu.Lock()
	p := a.processes[f.Process]
	a.mu.Unlock()
	if p == nil {
		return nil // it has ended meanwhile
	}
	switch f.Kind {
	case wire.Stdin:
		p.stdin <- f.Body
	case wire.CloseStdin:
		close(p.stdin)
	case wire.Signal:
		var k wire.Kill
		if err := f.Decode(&k); err != nil {
			return err
		}
		pid := p.pid
		if k.Group {
			pid = -pid
		}
		_ = unix.Kill(pid, unix.Signal(k.Signal)) // it may have ended meanwhile
	}
	return nil
}

// start runs a command in a session of its own and reports its output and its end.
func (a *agent) start(id uint32, c wire.Command) error {
	if len(c.Argv) == 0 {
		return errors.New("no command")
	}
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// A child of the command may keep the pipe open for ever: what it writes after the command's end is nobody's.
	cmd.WaitDelay = 300 * time.Millisecond
	out := output{a.conn, id}
	cmd.Stdout, cmd.Stderr = out, out
	p := &process{}
	var stdin io.WriteCloser
	if c.Stdin {
		var err error
		if stdin, err = cmd.StdinPipe(); err != nil {
			return err
		}
		p.stdin = make(chan []byte, 64)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	a.mu.Lock()
	a.processes[id] = p
	a.mu.Unlock()
	if c.Stdin {
		go feed(stdin, p.stdin)
	}
	go func() {
		err := cmd.Wait()
		a.mu.Lock()
		delete(a.processes, id)
		a.mu.Unlock()
		_ = a.conn.Send(wire.Exit, id, ended(cmd, err)) // a broken line ends Serve
	}()
	return nil
}

// feed writes what comes to a process's standard input. After an error it swallows the rest, so that the line is not held up.
func feed(w io.WriteCloser, pieces <-chan []byte) {
	var err error
	for p := range pieces {
		if err == nil {
			_, err = w.Write(p)
		}
	}
	w.Close()
}

func ended(cmd *exec.Cmd, err error) wire.Ended {
	if cmd.ProcessState == nil {
		return wire.Ended{Code: 127, Error: err.Error()}
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return wire.Ended{Code: 128 + int(status.Signal())}
	}
	return wire.Ended{Code: status.ExitStatus()}
}

// output sends what a process writes to the host.
type output struct {
	conn *wire.Conn
	id   uint32
}

func (o output) Write(p []byte) (int, error) { return len(p), o.conn.Send(wire.Output, o.id, p) }
