package conflict

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A Held address is one that we hold.
type Held struct {
	Interface string
	Index     int // the interface's
	Address   netip.Addr
	Hardware  [6]byte // where it is, by us
}

// A Conflict is somebody else's claim to an address that we hold.
type Conflict struct {
	Interface string
	Address   netip.Addr
	Hardware  [6]byte // his
}

// A Listener hears claims. It belongs to one thread at a time and never blocks.
type Listener struct {
	epoll   int
	sockets [2]int // ARP, IPv6; -1: none, as long as no address of the family is held
	held    map[key]Held
	buffer  [256]byte
}

type key struct {
	index   int
	address netip.Addr
}

// Listen returns a listener for the network namespace of the calling thread. It hears nothing until Hold.
func Listen() (*Listener, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("listen for address conflicts: %w", err)
	}
	return &Listener{epoll: epoll, sockets: [2]int{-1, -1}}, nil
}

// FD returns the descriptor to poll for reading. It stays the same whatever is held.
func (l *Listener) FD() int { return l.epoll }

// Close closes the listener.
func (l *Listener) Close() error {
	for n := range l.sockets {
		l.drop(n)
	}
	return unix.Close(l.epoll)
}

// Hold says which addresses are held now, instead of those before.
func (l *Listener) Hold(held []Held) error {
	l.held = make(map[key]Held, len(held))
	var addresses [2][]netip.Addr
	var hardware [][6]byte
	for _, h := range held {
		l.held[key{h.Index, h.Address}] = h
		family := 0
		if h.Address.Is6() {
			family = 1
		}
		addresses[family] = append(addresses[family], h.Address)
		hardware = append(hardware, h.Hardware)
	}
	slices.SortFunc(hardware, func(a, b [6]byte) int { return slices.Compare(a[:], b[:]) })
	hardware = slices.Compact(hardware)
	for n := range addresses {
		slices.SortFunc(addresses[n], netip.Addr.Compare)
		if err := l.listen(n, slices.Compact(addresses[n]), hardware); err != nil {
			return fmt.Errorf("listen for address conflicts: %w", err)
		}
	}
	return nil
}

// kinds are the sockets' Ethernet types.
var kinds = [2]uint16{unix.ETH_P_ARP, unix.ETH_P_IPV6}

func (l *Listener) listen(n int, addresses []netip.Addr, hardware [][6]byte) error {
	if len(addresses) == 0 {
		l.drop(n)
		return nil
	}
	filter := arpFilter
	if n == 1 {
		filter = neighbourFilter
	}
	program, err := bpf.Assemble(filter(addresses, hardware))
	if err != nil {
		return err
	}
	if l.sockets[n] >= 0 {
		return attach(l.sockets[n], program) // in the other's place, at once
	}
	// Protocol 0 until the filter is there: nothing is heard unfiltered.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if err = attach(fd, program); err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(kinds[n])})
	}
	if err == nil {
		err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	l.sockets[n] = fd
	return nil
}

func (l *Listener) drop(n int) {
	if l.sockets[n] >= 0 {
		unix.Close(l.sockets[n]) // which takes it out of the epoll too
		l.sockets[n] = -1
	}
}

// bigEndian returns a number whose bytes in memory are n's in network order.
func bigEndian(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

func attach(fd int, program []bpf.RawInstruction) error {
	code := make([]unix.SockFilter, len(program))
	for i, p := range program {
		code[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}

// atOnce is how many frames one Read reads of a socket at most.
const atOnce = 32

// Read appends the claims that were heard to a slice, and returns when there are no more, or many: then FD is still ready.
func (l *Listener) Read(to []Conflict) ([]Conflict, error) {
	for _, fd := range l.sockets {
		if fd < 0 {
			continue
		}
		for range atOnce {
			n, from, err := unix.Recvfrom(fd, l.buffer[:], 0)
			if err == unix.EAGAIN {
				break
			}
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) {
				continue // one interface of all went down
			}
			if err != nil {
				return to, fmt.Errorf("read address conflicts: %w", err)
			}
			link, ok := from.(*unix.SockaddrLinklayer)
			if !ok || link.Pkttype == unix.PACKET_OUTGOING {
				continue
			}
			if c, ok := l.conflict(link.Ifindex, l.buffer[:n]); ok {
				to = append(to, c)
			}
		}
	}
	return to, nil
}

// conflict reads a frame, which the filter may have let pass for another interface's sake.
func (l *Listener) conflict(index int, frame []byte) (Conflict, bool) {
	address, hardware, ok := claim(frame)
	if !ok {
		return Conflict{}, false
	}
	h, ok := l.held[key{index, address}]
	if !ok || h.Hardware == hardware {
		return Conflict{}, false
	}
	return Conflict{Interface: h.Interface, Address: address, Hardware: hardware}, true
}

// claim reads who says that he has which address.
func claim(frame []byte) (address netip.Addr, hardware [6]byte, ok bool) {
	if len(frame) < ethernetHeader {
		return address, hardware, false
	}
	switch binary.BigEndian.Uint16(frame[ethernetHeader-2:]) {
	case unix.ETH_P_ARP:
		// Ethernet and IPv4, with addresses of 6 and 4 bytes.
		if len(frame) < arpLength || [6]byte(frame[ethernetHeader:]) != [6]byte{0, 1, 8, 0, 6, 4} {
			return address, hardware, false
		}
		return netip.AddrFrom4([4]byte(frame[arpSenderIP:])), [6]byte(frame[arpSender:]), true
	case unix.ETH_P_IPV6:
		if len(frame) < ndLength || frame[ip6Next] != unix.IPPROTO_ICMPV6 || frame[icmp6] != neighbor || frame[ip6HopLimit] != 255 {
			return address, hardware, false
		}
		hardware = [6]byte(frame[ethernetSource:])
		if option := frame[ndLength:]; len(option) >= 8 && option[0] == 2 && option[1] == 1 {
			hardware = [6]byte(option[2:]) // target link-layer address
		}
		return netip.AddrFrom16([16]byte(frame[icmp6Target:])), hardware, true
	}
	return address, hardware, false
}
