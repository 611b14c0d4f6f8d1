package sdk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// An Egress says how the packets of a probe leave the director. The zero Egress leaves that to the routing table. Dial,
// DialUDP and what is built on them do as it says; a type that makes sockets of its own calls Prepare, and a type whose
// schema does not declare Egress never gets one.
type Egress struct {
	Source    netip.Addr // the address that they come from; the zero Addr: the kernel chooses
	Interface string     // that they leave by, and at which the answers must arrive; "": any
	Mark      uint32     // their firewall mark; 0: none

	// Toward chooses the source where there is none: the address that packets to this one would come from. Before a probe
	// begins it is made one, so that only who probes without NewCheck or NewProber has to call Resolve.
	Toward netip.Addr
}

// IsZero says whether it says nothing.
func (e Egress) IsZero() bool { return e == Egress{} }

// Resolve returns it with the Source that Toward asks for, for a probe of a target at an address of the director's own or
// anybody's: that address itself is no source. Its error is an *EgressError.
func (e Egress) Resolve(target netip.Addr) (Egress, error) {
	if e.Source.IsValid() || !e.Toward.IsValid() {
		return e, nil
	}
	what := "source toward " + e.Toward.String()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(e.Toward, 9))) // which sends nothing
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			err = errno
		}
		return e, &EgressError{what, err}
	}
	defer c.Close()
	e.Source = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if e.Source == target {
		return e, &EgressError{what, fmt.Errorf("the director has no address there but %s itself: write one as source", target)}
	}
	return e, nil
}

// Prepare sets interface and mark of a socket; to bind it to the source is the caller's. A mark takes CAP_NET_RAW since
// Linux 5.17, and CAP_NET_ADMIN before; an interface takes CAP_NET_RAW before 5.7. Its error is an *EgressError.
func (e Egress) Prepare(fd int) error {
	if e.Interface != "" {
		if err := unix.BindToDevice(fd, e.Interface); err != nil {
			return &EgressError{"interface " + e.Interface, err}
		}
	}
	if e.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(e.Mark)); err != nil {
			return &EgressError{fmt.Sprintf("mark %d", e.Mark), err}
		}
	}
	return nil
}

// Control is Prepare as net.Dialer, net.ListenConfig and a connection's SyscallConn want it.
func (e Egress) Control(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = e.Prepare(int(fd)) }); e != nil {
		return e
	}
	return err
}

// dialer returns a dialer of sockets that leave so. control, which may be nil, is called for each.
func (e Egress) dialer(network string, control func(network, address string, c syscall.RawConn) error) net.Dialer {
	d := net.Dialer{KeepAlive: -1, Control: control}
	if e.IsZero() {
		return d
	}
	switch {
	case !e.Source.IsValid():
	case network == "udp":
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(e.Source, 0))
	default:
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(e.Source, 0))
	}
	d.Control = func(network, address string, c syscall.RawConn) error {
		if control != nil {
			if err := control(network, address, c); err != nil {
				return err
			}
		}
		if d.LocalAddr != nil {
			// The port is chosen with the connection: ip(7). Without it a port serves one target at a time, not one of each.
			_ = c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) // as good as before without it
			})
		}
		return e.Control(network, address, c)
	}
	return d
}

// An EgressError says that a probe can't leave the director as it should, which is no fault of the target's.
type EgressError struct {
	What string // "source 192.0.2.1", "interface eth1", "mark 7"
	Err  error
}

// Error returns the words, with what to do about it where the system says no more than that it is not allowed.
func (e *EgressError) Error() string {
	s := e.What + ": " + e.Err.Error()
	if errors.Is(e.Err, syscall.EPERM) {
		s += " (it takes CAP_NET_RAW, and Linux 5.17)"
	}
	return s
}

// Unwrap returns the system's error.
func (e *EgressError) Unwrap() error { return e.Err }

// failed returns the EgressError that an error of a dialer holds, or nil.
func (e Egress) failed(err error) error {
	var egress *EgressError
	var call *os.SyscallError
	switch {
	case errors.As(err, &egress):
		return egress
	case errors.As(err, &call) && call.Syscall == "bind":
		return &EgressError{"source " + e.Source.String(), call.Err}
	}
	return nil
}
