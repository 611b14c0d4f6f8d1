package switchboard

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// newSocket makes a TCP socket that connects in the background and leaves as its kind says.
func newSocket(k kind) (int, error) {
	fd, err := unix.Socket(k.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil || k.egress.IsZero() {
		return fd, err
	}
	if err := k.bind(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// bind makes a socket leave as its kind says, also when it is used again.
func (k kind) bind(fd int) error {
	if err := k.egress.Prepare(fd); err != nil {
		return err
	}
	if !k.egress.Source.IsValid() {
		return nil
	}
	// The port is chosen with the connection: ip(7). Without it a port serves one target at a time, not one of each.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) // as good as before without it
	source := sockaddrOf(k.egress.Source, 0)
	if _, _, err := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&source.raw)), source.size); err != 0 {
		return &sdk.EgressError{What: "source " + k.egress.Source.String(), Err: err}
	}
	return nil
}

// A sockaddr is an address and a port as the kernel has them: sockaddr_in of ip(7), sockaddr_in6 of ipv6(7).
type sockaddr struct {
	raw  [unix.SizeofSockaddrInet6]byte
	size uintptr
}

// sockaddrOf makes one. The address has no zone.
func sockaddrOf(a netip.Addr, port uint16) (s sockaddr) {
	a = a.Unmap()
	if a.Is4() {
		s.size = unix.SizeofSockaddrInet4
		binary.NativeEndian.PutUint16(s.raw[:], unix.AF_INET)
		four := a.As4()
		copy(s.raw[4:], four[:])
	} else {
		s.size = unix.SizeofSockaddrInet6
		binary.NativeEndian.PutUint16(s.raw[:], unix.AF_INET6)
		sixteen := a.As16()
		copy(s.raw[8:], sixteen[:])
	}
	binary.BigEndian.PutUint16(s.raw[2:], port)
	return s
}

func (s *sockaddr) family() int { return int(binary.NativeEndian.Uint16(s.raw[:])) }

// connect is connect(2) of a socket that does not block. It is raw: on loopback the other end runs inside of the call, and
// Go's scheduler would take a call of 20 us for one that blocks, and start another thread.
func connect(fd int, s *sockaddr) unix.Errno {
	_, _, err := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&s.raw)), s.size)
	return err
}

// disconnect is connect(2) to no address, which makes a socket as good as new.
func disconnect(fd int) unix.Errno {
	var none sockaddr // AF_UNSPEC is 0
	none.size = unix.SizeofSockaddrInet4
	return connect(fd, &none)
}

// send is send(2); a connection that has gone is an error and no signal. It is raw as connect is.
func send(fd int, b []byte) (int, unix.Errno) {
	return transfer(unix.SYS_SENDTO, fd, b, unix.MSG_NOSIGNAL)
}

// receive is recv(2).
func receive(fd int, b []byte) (int, unix.Errno) {
	return transfer(unix.SYS_RECVFROM, fd, b, 0)
}

func transfer(call uintptr, fd int, b []byte, flags uintptr) (int, unix.Errno) {
	n, _, err := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}
