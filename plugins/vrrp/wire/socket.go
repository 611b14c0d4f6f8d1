package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A Key says what a socket is for. It is comparable: virtual routers with the same Key share a Socket.
type Key struct {
	Index   int        // the interface's index. 0 is any interface, for unicast only
	Address netip.Addr // where the adverts arrive: the multicast group, or our own address for unicast
	AH      bool       // adverts behind an authentication header, IPv4 only
}

// A Socket sends and receives adverts. It is one goroutine's at a time.
type Socket struct {
	key  Key
	fd   int
	in   inbox
	out4 unix.RawSockaddrInet4
	out6 outbox6
}

// Open opens a socket, which receives nothing before Admit. Errors that come and go: ENODEV without the interface,
// EADDRNOTAVAIL without the unicast address.
func Open(key Key) (*Socket, error) {
	multicast := key.Address.IsMulticast()
	switch {
	case !key.Address.IsValid() || key.Address.Is4In6() || key.Address.Zone() != "":
		return nil, fmt.Errorf("open a VRRP socket for the address %v: want an IPv4 or IPv6 address without a zone", key.Address)
	case multicast && key.Index == 0:
		return nil, fmt.Errorf("open a VRRP socket for %v: a multicast group is joined on an interface", key.Address)
	case key.AH && !key.Address.Is4():
		return nil, fmt.Errorf("open a VRRP socket for %v: there is no AH over IPv6", key.Address)
	}
	family, protocol := unix.AF_INET, advert.Protocol
	if key.Address.Is6() {
		family = unix.AF_INET6
	}
	if key.AH {
		protocol = advert.ProtocolAH
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open a raw socket of protocol %d: %w", protocol, err)
	}
	s := &Socket{key: key, fd: fd}
	s.in.prepare(family)
	s.out6.prepare()
	if err := s.configure(); err != nil {
		return nil, errors.Join(fmt.Errorf("open a VRRP socket for %v on interface %d: %w", key.Address, key.Index, err), s.Close())
	}
	return s, nil
}

// configure sets the socket up. It was open to every packet of its protocol until it had its filter: those are thrown away.
func (s *Socket) configure() error {
	if err := attach(s.fd, []bpf.Instruction{bpf.RetConstant{Val: 0}}); err != nil {
		return err
	}
	for _, o := range s.key.options() {
		if err := unix.SetsockoptInt(s.fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("set %s: %w", o.what, err)
		}
	}
	if s.key.Address.IsMulticast() {
		if err := s.join(); err != nil {
			return err
		}
	}
	if err := unix.Bind(s.fd, s.local()); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	for {
		if got, err := s.Receive(); err != nil || len(got) == 0 {
			return err
		}
	}
}

// An option is a socket option with a number for a value.
type option struct {
	level, name, value int
	what               string
}

// options are what a socket needs: its interface and a place before other traffic in the queue; the whole header of what is
// sent and received, or its addresses and hop limit; nothing of what we send ourselves; and no group that another socket of
// this host has joined.
func (k Key) options() []option {
	const interactive = 6 // TC_PRIO_INTERACTIVE, the highest that needs no privilege
	o := []option{
		{unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, k.Index, "the interface"},
		{unix.SOL_SOCKET, unix.SO_PRIORITY, interactive, "the priority"},
	}
	if k.Address.Is4() {
		return append(o,
			option{unix.IPPROTO_IP, unix.IP_HDRINCL, 1, "header inclusion"},
			option{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0, "multicast loop"},
			option{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, "multicast all"},
		)
	}
	return append(o,
		option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0, "multicast loop"},
		option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0, "multicast all"},
		option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, "reception of addresses"},
		option{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, "reception of hop limits"},
		option{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 0xc0, "the traffic class"},
	)
}

// join joins the group, and sends to it, on the interface.
func (s *Socket) join() error {
	if s.key.Address.Is4() {
		m := unix.IPMreqn{Multiaddr: s.key.Address.As4(), Ifindex: int32(s.key.Index)}
		if err := unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("join the group: %w", err)
		}
		if err := unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &m); err != nil {
			return fmt.Errorf("set the interface for multicast: %w", err)
		}
		return nil
	}
	m := unix.IPv6Mreq{Multiaddr: s.key.Address.As16(), Interface: uint32(s.key.Index)}
	if err := unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &m); err != nil {
		return fmt.Errorf("join the group: %w", err)
	}
	if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, s.key.Index); err != nil {
		return fmt.Errorf("set the interface for multicast: %w", err)
	}
	return nil
}

func (s *Socket) local() unix.Sockaddr {
	if s.key.Address.Is4() {
		return &unix.SockaddrInet4{Addr: s.key.Address.As4()}
	}
	return &unix.SockaddrInet6{Addr: s.key.Address.As16(), ZoneId: s.zone(s.key.Address)}
}

// zone is the interface's index for an address that has a meaning on one link only.
func (s *Socket) zone(a netip.Addr) uint32 {
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsInterfaceLocalMulticast() {
		return uint32(s.key.Index)
	}
	return 0
}

// Admit lets the adverts of these virtual routers through, and no others. It replaces the set before at once.
func (s *Socket) Admit(vrids VRIDs) error {
	if err := attach(s.fd, program(s.key, &vrids)); err != nil {
		return fmt.Errorf("admit virtual routers on interface %d: %w", s.key.Index, err)
	}
	return nil
}

// FD is the socket's file descriptor, for a Poller.
func (s *Socket) FD() int { return s.fd }

// Key is what the socket was opened for.
func (s *Socket) Key() Key { return s.key }

// Close closes the socket, and leaves its group.
func (s *Socket) Close() error { return unix.Close(s.fd) }
