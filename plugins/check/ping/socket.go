package ping

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A family is IPv4 or IPv6.
type family int

const (
	ipv4Family family = iota
	ipv6Family
)

// familyOf returns the family of an address.
func familyOf(a netip.Addr) family {
	if a.Is4() {
		return ipv4Family
	}
	return ipv6Family
}

// String returns "IPv4" or "IPv6".
func (f family) String() string { return [...]string{"IPv4", "IPv6"}[f] }

// protocol is the number of ICMP.
func (f family) protocol() int { return [...]int{syscall.IPPROTO_ICMP, syscall.IPPROTO_ICMPV6}[f] }

func (f family) request() icmp.Type {
	return [...]icmp.Type{ipv4.ICMPTypeEcho, ipv6.ICMPTypeEchoRequest}[f]
}

func (f family) reply() icmp.Type {
	return [...]icmp.Type{ipv4.ICMPTypeEchoReply, ipv6.ICMPTypeEchoReply}[f]
}

// A socket is an ICMP socket of the kernel's.
type socket struct {
	*icmp.PacketConn
	family family
	raw    bool
	id     uint16
	ttl    int // of the packets that are sent; 0: not set yet
}

// listen opens a socket: one that needs no privilege, if net.ipv4.ping_group_range has this process's group, otherwise a raw
// one, for which CAP_NET_RAW is needed. The kernel chooses the identifier of the former and hands it only the replies that
// have it; a raw one gets those of others, too.
func listen(f family, e sdk.Egress) (conn, error) {
	from := [...]string{"0.0.0.0", "::"}[f]
	if e.Source.IsValid() {
		from = e.Source.String()
	}
	c, err := icmp.ListenPacket([...]string{"udp4", "udp6"}[f], from)
	if err == nil {
		s := &socket{PacketConn: c, family: f, id: uint16(c.LocalAddr().(*net.UDPAddr).Port)}
		return s.prepared(e)
	}
	if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, fmt.Errorf("opening an ICMP socket of %s: %w", f, err)
	}
	c, err = icmp.ListenPacket([...]string{"ip4:icmp", "ip6:ipv6-icmp"}[f], from)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, &sdk.EgressError{What: "source " + from, Err: bare(err)}
	}
	if err != nil {
		return nil, fmt.Errorf("opening an ICMP socket of %s, which takes CAP_NET_RAW or a group within net.ipv4.ping_group_range: %w", f, bare(err))
	}
	var id [2]byte
	rand.Read(id[:]) // never fails
	s := &socket{PacketConn: c, family: f, raw: true, id: binary.BigEndian.Uint16(id[:])}
	return s.prepared(e)
}

// prepared returns the socket, prepared, or closes it.
func (s *socket) prepared(e sdk.Egress) (conn, error) {
	if err := s.prepare(e); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// receiveBytes is how much the kernel keeps for the socket: replies of some thousand real servers may come at once.
const receiveBytes = 1 << 20

// prepare makes room for replies, lets a raw socket get nothing else, and sees to how its packets leave.
func (s *socket) prepare(e sdk.Egress) error {
	var p net.PacketConn
	if s.family == ipv4Family {
		p = s.IPv4PacketConn().PacketConn
	} else {
		p = s.IPv6PacketConn().PacketConn
	}
	if b, ok := p.(interface{ SetReadBuffer(int) error }); ok {
		b.SetReadBuffer(receiveBytes) // as much of it as net.core.rmem_max lets it have
	}
	var err error
	if c, ok := p.(syscall.Conn); ok && !e.IsZero() {
		raw, err := c.SyscallConn()
		if err == nil {
			err = e.Control("", "", raw)
		}
		if err != nil {
			return err
		}
	}
	if !s.raw {
		return nil
	}
	if s.family == ipv4Family {
		var filter ipv4.ICMPFilter
		filter.SetAll(true)
		filter.Accept(ipv4.ICMPTypeEchoReply)
		err = s.IPv4PacketConn().SetICMPFilter(&filter)
	} else {
		var filter ipv6.ICMPFilter
		filter.SetAll(true)
		filter.Accept(ipv6.ICMPTypeEchoReply)
		err = s.IPv6PacketConn().SetICMPFilter(&filter)
	}
	if err != nil {
		return fmt.Errorf("filtering an ICMP socket of %s: %w", s.family, err)
	}
	return nil
}

// ID is the identifier of the socket's echo requests.
func (s *socket) ID() uint16 { return s.id }

// ReadFrom reads one ICMP message.
func (s *socket) ReadFrom(b []byte) (int, netip.Addr, error) {
	n, from, err := s.PacketConn.ReadFrom(b)
	if err != nil {
		return 0, netip.Addr{}, err
	}
	var ip net.IP
	var zone string
	switch a := from.(type) {
	case *net.UDPAddr:
		ip, zone = a.IP, a.Zone
	case *net.IPAddr:
		ip, zone = a.IP, a.Zone
	}
	address, _ := netip.AddrFromSlice(ip)
	return n, address.Unmap().WithZone(zone), nil
}

// WriteTo sends one ICMP message.
func (s *socket) WriteTo(b []byte, to netip.Addr, ttl int) error {
	if ttl != s.ttl {
		if err := s.setTTL(ttl); err != nil {
			return err
		}
		s.ttl = ttl
	}
	var a net.Addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if s.raw {
		a = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	_, err := s.PacketConn.WriteTo(b, a)
	return err
}

func (s *socket) setTTL(ttl int) error {
	if s.family == ipv4Family {
		return s.IPv4PacketConn().SetTTL(ttl)
	}
	return s.IPv6PacketConn().SetHopLimit(ttl)
}
