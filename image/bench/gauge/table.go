package gauge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A table is what the kernel's IPVS table should be: services of one address after the other, each with as many real servers.
//
// It is looked at through the old socket options, which tell about one service in one system call. Reading all of
// /proc/net/ip_vs takes 50 to 130 ms at 10,000 real servers, on the processor that the daemon needs.
type table struct {
	first    netip.AddrPort
	services int
	servers  int
	kernel   services
	complete int // services that were seen complete, from the first on
}

// services says what the kernel has of a service.
type services interface {
	// servers is the number of real servers; 0 also when there is no such service.
	servers(netip.AddrPort) (int, error)
	// weights are those of up to n real servers.
	weights(service netip.AddrPort, n int) (map[netip.Addr]int, error)
}

// full says whether every service has all of its real servers. A service that was seen complete is not asked for again, so
// that all the questions together are about as many as there are services, in whatever order they come.
func (t *table) full() (bool, error) {
	for t.complete < t.services {
		n, err := t.kernel.servers(t.service(t.complete))
		if err != nil || n < t.servers {
			return false, err
		}
		t.complete++
	}
	return true, nil
}

// hasWeight says whether a real server of the first service has that weight.
func (t *table) hasWeight(weight int) (bool, error) {
	weights, err := t.kernel.weights(t.first, t.servers)
	for _, w := range weights {
		if w == weight {
			return true, nil
		}
	}
	return false, err
}

func (t *table) service(i int) netip.AddrPort {
	a := t.first.Addr().As4()
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])+uint32(i))
	return netip.AddrPortFrom(netip.AddrFrom4(a), t.first.Port())
}

// The socket options and the sizes of their structures (include/uapi/linux/ip_vs.h).
const (
	getService = 1024 + 64 + 64 + 3 // IP_VS_SO_GET_SERVICE
	getDests   = 1024 + 64 + 64 + 4 // IP_VS_SO_GET_DESTS

	serviceEntry = 104 // struct ip_vs_service_entry
	destsHeader  = 24  // struct ip_vs_get_dests, before its entries
	destEntry    = 96  // struct ip_vs_dest_entry
)

// A socket asks the kernel. It is for IPv4 and TCP.
type socket struct{ fd int }

func openSocket() (socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return socket{}, fmt.Errorf("open a socket to ask IPVS: %w", err)
	}
	return socket{fd}, nil
}

// header is the beginning that both structures have in common: protocol, address, port.
func header(size int, service netip.AddrPort) []byte {
	b := make([]byte, size)
	binary.NativeEndian.PutUint16(b, unix.IPPROTO_TCP)
	a := service.Addr().As4()
	copy(b[4:], a[:])
	binary.BigEndian.PutUint16(b[8:], service.Port())
	return b
}

func (s socket) ask(option int, b []byte) error {
	size := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.IPPROTO_IP, uintptr(option),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&size)), 0)
	switch {
	case errno == unix.ESRCH:
		return errNoService
	case errno != 0:
		return fmt.Errorf("ask IPVS about a service: %w", errno)
	}
	return nil
}

var errNoService = errors.New("no such service")

func (s socket) servers(service netip.AddrPort) (int, error) {
	b := header(serviceEntry, service)
	if err := s.ask(getService, b); err != nil {
		return 0, ignoreMissing(err)
	}
	return int(binary.NativeEndian.Uint32(b[44:])), nil
}

func (s socket) weights(service netip.AddrPort, n int) (map[netip.Addr]int, error) {
	b := header(destsHeader+n*destEntry, service)
	binary.NativeEndian.PutUint32(b[16:], uint32(n))
	if err := s.ask(getDests, b); err != nil {
		return nil, ignoreMissing(err)
	}
	return parseWeights(b, n), nil
}

// parseWeights reads the entries of an answer. The kernel leaves those alone for which it has no real server.
func parseWeights(b []byte, n int) map[netip.Addr]int {
	weights := make(map[netip.Addr]int, n)
	for i := range n {
		entry := b[destsHeader+i*destEntry:]
		if a := netip.AddrFrom4([4]byte(entry[:4])); !a.IsUnspecified() {
			weights[a] = int(int32(binary.NativeEndian.Uint32(entry[12:])))
		}
	}
	return weights
}

func ignoreMissing(err error) error {
	if err == errNoService {
		return nil
	}
	return err
}
