package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A Host is a computer of the lab that is only a network namespace: it shares the kernel and the files of the real host.
type Host struct {
	name string
	ns   namespace
	port atomic.Uint32 // how many ports Dial has taken
}

// Name implements Node.
func (h *Host) Name() string { return h.name }

// Namespace is the name under which ip netns knows it.
func (h *Host) Namespace() string { return string(h.ns) }

// Run implements Node.
func (h *Host) Run(ctx context.Context, script string) (string, int, error) {
	return run(ctx, h, script)
}

// Start implements Node.
func (h *Host) Start(ctx context.Context, output io.Writer, argv ...string) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := newProcess(h.name+": "+argv[0], output)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = p, p
	cmd.WaitDelay = 300 * time.Millisecond
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := h.ns.start(cmd); err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", h.name, argv[0], err)
	}
	p.signal = func(s syscall.Signal, group bool) error {
		if group {
			return ignoreGone(syscall.Kill(-cmd.Process.Pid, s))
		}
		return ignoreGone(cmd.Process.Signal(s))
	}
	go func() {
		err := cmd.Wait()
		if cmd.ProcessState == nil {
			p.end(-1, err)
			return
		}
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			p.end(128+int(status.Signal()), nil)
			return
		}
		p.end(status.ExitStatus(), nil)
	}()
	return p, nil
}

// Dial opens a connection from this computer, for clients in the lab's own process. The address must be a literal one. It gets
// a port that none before it had: IPVS sends what comes from a port that it knows to where it sent it before (with forwarding
// "dr" for two minutes after the end of a connection, of which it never sees the server's half), so that a port that comes up
// twice by chance spoils a count by weight. The kernel's own choice begins at another port every ten seconds, and may
// come upon those that it chose a minute ago.
func (h *Host) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	for range 100 {
		port := 20000 + int(h.port.Add(1)%40000)
		local := net.Addr(&net.TCPAddr{Port: port})
		if strings.HasPrefix(network, "udp") {
			local = &net.UDPAddr{Port: port}
		}
		if c, err = h.DialFrom(ctx, local, network, address); !errors.Is(err, syscall.EADDRINUSE) { // by a program of this computer
			break
		}
	}
	return c, err
}

// DialFrom is Dial with an address and port of one's own, as a net.Dialer takes it.
func (h *Host) DialFrom(ctx context.Context, local net.Addr, network, address string) (c net.Conn, err error) {
	err = h.ns.do(func() error {
		c, err = (&net.Dialer{LocalAddr: local}).DialContext(ctx, network, address)
		return err
	})
	return c, err
}
