package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A process is a plugin's, with all the processes that it makes: they are one process group, and die with it. It is a
// runner.Runner of go-plugin, which sees little of the process: its first line of output, and its end.
type process struct {
	cmd    *exec.Cmd
	forker *forker
	socket string // folder
	log    *logSink

	out, err     *os.File       // the ends that we read
	toHost       *io.PipeReader // stdout as go-plugin sees it
	handshake    *io.PipeWriter
	silent       *io.PipeReader // stderr as go-plugin sees it: nothing, until the end
	silentWriter *io.PipeWriter

	dead    chan struct{} // the process has ended, and its group was killed
	drained chan struct{} // its last words were read

	begun func() error // is called when the process has started; nil: nobody needs to know

	adopted bool // somebody else has started it
	pidfd   int  // of one that is adopted, until it is reaped

	mu        sync.Mutex
	number    int    // its PID; 0: it has not started
	listens   string // its socket
	condemned bool
	reaped    bool
	exit      error
	complaint error // about its handshake
}

func newProcess(cmd *exec.Cmd, f *forker, socket string, log *logSink) *process {
	p := &process{
		cmd: cmd, forker: f, socket: socket, log: log,
		dead: make(chan struct{}), drained: make(chan struct{}),
	}
	p.toHost, p.handshake = io.Pipe()
	p.silent, p.silentWriter = io.Pipe()
	return p
}

// Start starts the process and what watches it.
func (p *process) Start(context.Context) error {
	var files []*os.File
	closeAll := func() {
		for _, f := range files {
			f.Close()
		}
	}
	pipe := func() (r, w *os.File, err error) {
		if r, w, err = os.Pipe(); err == nil {
			files = append(files, r, w)
		}
		return r, w, err
	}
	out, outW, err := pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	stderr, stderrW, err := pipe()
	if err != nil {
		closeAll()
		return fmt.Errorf("making a pipe: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = outW, stderrW
	if err := p.forker.do(p.cmd.Start); err != nil {
		closeAll()
		return fmt.Errorf("starting the process: %w", err)
	}
	outW.Close()
	stderrW.Close()
	p.out, p.err = out, stderr
	p.mu.Lock()
	p.number = p.cmd.Process.Pid
	if p.condemned {
		unix.Kill(-p.number, unix.SIGKILL)
	}
	p.mu.Unlock()
	if p.begun != nil {
		if err := p.begun(); err != nil {
			p.log.logger.Warn("the next core could not find this plugin", "error", err)
		}
	}

	var readers sync.WaitGroup
	readers.Go(p.readStdout)
	readers.Go(func() { p.log.read(p.err) })
	go p.wait(&readers)
	return nil
}

// wait sees the process end, kills those that it leaves behind, and reaps it.
func (p *process) wait(readers *sync.WaitGroup) {
	p.awaitEnd()
	p.mu.Lock()
	unix.Kill(-p.number, unix.SIGKILL) // before it is reaped, so that the number is still its
	p.exit = p.cmd.Wait()
	p.reaped = true
	p.mu.Unlock()
	close(p.dead)

	// A grandchild that has left the group may hold the pipes open for ever.
	soon := time.Now().Add(200 * time.Millisecond)
	p.out.SetReadDeadline(soon)
	p.err.SetReadDeadline(soon)
	readers.Wait()
	p.out.Close()
	p.err.Close()
	p.handshake.Close()
	p.silentWriter.Close()
	close(p.drained)
}

// awaitEnd returns when the process has ended, and leaves it to be reaped.
func (p *process) awaitEnd() {
	idType, id := unix.P_PID, p.pid() // it is our child and nobody else reaps it, so its number is safe, too
	if fd, err := unix.PidfdOpen(p.pid(), 0); err == nil {
		defer unix.Close(fd)
		idType, id = unix.P_PIDFD, fd
	}
	for unix.Waitid(idType, id, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// readStdout gives the first line to go-plugin and the rest to the log.
func (p *process) readStdout() {
	r := bufio.NewReaderSize(p.out, maxLine)
	line, err := r.ReadSlice('\n')
	if err == nil {
		err = p.checkHandshake(strings.TrimSpace(string(line)))
	} else if len(line) > 0 {
		err = &Fault{fmt.Errorf("it printed %q in place of its handshake", clip(string(line))), doHandshake}
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.complain(err)
	}
	if err == nil {
		p.handshake.Write(line)
	} else {
		p.handshake.Write([]byte("\n")) // go-plugin refuses that at once
	}
	p.log.lines(r, "stdout")
}

// complain remembers what is wrong with how the plugin says where it is.
func (p *process) complain(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaint = err
}

// checkHandshake says what is wrong with a handshake, in words that go-plugin does not have.
func (p *process) checkHandshake(line string) error {
	f := strings.Split(line, "|")
	if len(f) < 5 {
		return &Fault{fmt.Errorf("it printed %q before its handshake", clip(line)), doHandshake}
	}
	if f[1] != strconv.Itoa(sdk.ProtocolVersion) {
		return &Fault{fmt.Errorf("it speaks version %s of the plugin contract, and this evenkeel version %d", clip(f[1]), sdk.ProtocolVersion), doVersion}
	}
	if f[4] != "grpc" {
		return &Fault{fmt.Errorf("it speaks %s, not grpc", clip(f[4])), doGRPC}
	}
	_, _, err := p.PluginToHost(f[2], f[3])
	if err == nil {
		p.mu.Lock()
		p.listens = filepath.Clean(f[3])
		p.mu.Unlock()
	}
	return err
}

// address is the path of the socket that the plugin has named.
func (p *process) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listens
}

// leave stops reading what the process writes, which goes on by itself.
func (p *process) leave() {
	if !p.adopted {
		p.out.Close()
		p.err.Close()
	}
}

// PluginToHost lets no plugin send us to a socket outside its folder.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != p.socket {
		return "", "", &Fault{fmt.Errorf("it listens on %s %s, not on a socket in %s", clip(network), clip(address), p.socket), doSocket}
	}
	return network, address, nil
}

// HostToPlugin is for go-plugin's broker, which is not used.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// pid is 0 as long as there is no process.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.number
}

// signal sends a signal to the process and all that it has made.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.number == 0 || p.reaped:
	case p.adopted: // the number may be another's by the time that it is used
		unix.PidfdSendSignal(p.pidfd, s, nil, 0)
	default:
		unix.Kill(-p.number, s)
	}
}

// kill ends the process and all that it has made, and waits for that. One that is just starting dies as it does.
func (p *process) kill() {
	p.mu.Lock()
	p.condemned = true
	started := p.number != 0
	p.mu.Unlock()
	if started {
		p.signal(unix.SIGKILL)
		<-p.drained
	}
}

// cause says how the process ended, with its last words.
func (p *process) cause() error {
	<-p.drained
	how := "it exited"
	switch {
	case p.unexecuted():
		how = "it can't be started"
	case p.exit != nil:
		how = "it died: " + p.exit.Error()
	}
	if words := p.log.lastWords(); words != "" {
		return fmt.Errorf("%s: %s", how, words)
	}
	return errors.New(how)
}

// unexecuted says whether a process that has ended never became the plugin.
func (p *process) unexecuted() bool {
	return p.cmd != nil && p.cmd.ProcessState != nil && p.cmd.ProcessState.ExitCode() == ExecFailed
}

// The rest is what go-plugin asks of a runner.Runner.

func (p *process) Stdout() io.ReadCloser { return p.toHost }
func (p *process) Stderr() io.ReadCloser { return p.silent }
func (p *process) Name() string          { return p.cmd.Path }

func (p *process) ID() string {
	if n := p.pid(); n != 0 {
		return strconv.Itoa(n)
	}
	return ""
}

func (p *process) Diagnose(context.Context) string { return "" }

func (p *process) Wait(context.Context) error {
	<-p.drained
	return p.exit
}

func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// clip shortens what a plugin has said.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
