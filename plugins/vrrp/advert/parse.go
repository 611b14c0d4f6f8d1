package advert

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"time"
)

// typeAdvert is the only type of message there is.
const typeAdvert = 1

// Meta is what the socket knows of a packet. For IPv4 it is in the packet's header too, and read there.
type Meta struct {
	Source, Destination netip.Addr // without a zone
	TTL                 uint8      // or hop limit
}

// An Advert is what was accepted.
type Advert struct {
	Source        netip.Addr
	Priority      uint8         // 0: the master is leaving
	Interval      time.Duration // the sender's
	Count         int           // of addresses in it
	SameAddresses bool          // they are ours, in any order
}

// VRID tells which virtual router a packet is about, so that its Format can parse it. It checks no more than it needs to.
func VRID(packet []byte, ipv6 bool) (uint8, Reason) {
	var e envelope
	r := e.open(packet, Meta{}, ipv6)
	if len(e.message) < 2 {
		return 0, r
	}
	return e.message[1], r
}

// An envelope is a packet taken apart.
type envelope struct {
	Meta
	packet  []byte // without padding
	message []byte // at least its fixed part, unless it is truncated; nil if it was not found
	ah      int    // where the AH header starts; 0 is nowhere
}

// open finds the message in a packet.
func (e *envelope) open(packet []byte, m Meta, ipv6 bool) Reason {
	e.Meta, e.packet, e.message = m, packet, packet
	if !ipv6 {
		e.message = nil
		if r := e.openIPv4(); r != Accepted {
			return r
		}
	}
	if len(e.message) < fixedSize {
		return Truncated
	}
	return Accepted
}

func (e *envelope) openIPv4() Reason {
	p := e.packet
	if len(p) < ipv4Size {
		return Truncated
	}
	header, total := int(p[0]&0xf)*4, int(binary.BigEndian.Uint16(p[2:]))
	switch {
	case p[0]>>4 != 4:
		return ProtocolNumber
	case header < ipv4Size || total < header || total > len(p):
		return Truncated
	}
	p = p[:total] // the rest is padding of a short Ethernet frame
	e.packet, e.message = p, p[header:]
	e.Source, e.Destination = netip.AddrFrom4([4]byte(p[12:])), netip.AddrFrom4([4]byte(p[16:]))
	e.TTL = p[8]
	switch p[9] {
	case Protocol:
		return Accepted
	case ProtocolAH:
		switch {
		case len(e.message) < ahSize:
			e.message = nil
			return Truncated
		case e.message[0] != Protocol || e.message[1] != ahSize/4-2:
			return ProtocolNumber
		}
		e.ah, e.message = header, e.message[ahSize:]
		return Accepted
	}
	return ProtocolNumber
}

// Parse reads a packet that VRID says is this virtual router's: for IPv4 with its IP header, as a raw socket gives it, for
// IPv6 the message alone. The checks are those of RFC 9568 section 7.1 and RFC 3768 section 7.1. Whatever fails, nothing
// has changed. The packet is not kept.
func (f *Format) Parse(packet []byte, m Meta) (Advert, Reason) {
	var e envelope
	if r := e.open(packet, m, !f.p.Source.Is4()); r != Accepted {
		return Advert{}, r
	}
	if r := f.checkSender(&e); r != Accepted {
		return Advert{}, r
	}
	if r := f.checkMessage(&e); r != Accepted {
		return Advert{}, r
	}
	if r := f.checkAuthentication(&e); r != Accepted {
		return Advert{}, r
	}
	same := f.sameAddresses(e.message)
	if f.p.CheckAddresses && !same {
		return Advert{}, Addresses
	}
	if f.mac != nil {
		f.sequence = e.sequence()
	}
	return Advert{Source: e.Source, Priority: e.message[2], Interval: f.interval(e.message), Count: int(e.message[3]), SameAddresses: same}, Accepted
}

// checkSender checks who sent the packet to whom, and from how far away.
func (f *Format) checkSender(e *envelope) Reason {
	unicast := len(f.p.Peers) > 0
	switch {
	case e.message[1] != f.p.VRID:
		return UnknownRouter
	case e.Source == f.p.Source:
		return Own
	case e.Destination.IsMulticast() == unicast:
		return Destination
	case !unicast && e.TTL != 255:
		return TTL
	}
	for _, peer := range f.p.Peers {
		if peer.Address != e.Source {
			continue
		}
		if e.TTL < peer.MinTTL || peer.MaxTTL != 0 && e.TTL > peer.MaxTTL {
			return TTL
		}
		return Accepted
	}
	if f.p.CheckPeers && unicast {
		return NotPeer
	}
	return Accepted
}

// checkMessage checks all that a sender without our password could know.
func (f *Format) checkMessage(e *envelope) Reason {
	m := e.message
	addressSize := f.p.Source.BitLen() / 8
	size := fixedSize + int(m[3])*addressSize
	if f.p.Version == 2 {
		size += passwordSize
	}
	switch {
	case m[0]>>4 != f.p.Version:
		return Version
	case m[0]&0xf != typeAdvert:
		return Type
	case f.mac != nil && e.ah == 0:
		return AHMissing
	case f.mac == nil && e.ah != 0:
		return AHUnexpected
	case len(m) < size:
		return Truncated
	case len(m) > size:
		return Length
	case m[3] == 0:
		return Count
	case !f.checksumIsRight(e):
		return Checksum
	}
	switch i := f.interval(m); {
	case i == 0, f.p.Version == 2 && i != f.p.Interval:
		return Interval
	}
	return Accepted
}

func (f *Format) checkAuthentication(e *envelope) Reason {
	m := e.message
	switch {
	case f.p.Version == 3:
		return Accepted
	case m[4] != uint8(f.p.Authentication):
		return AuthenticationType
	case f.p.Authentication == Password && subtle.ConstantTimeCompare(m[len(m)-passwordSize:], f.password[:]) == 0:
		return WrongPassword
	case f.mac == nil:
		return Accepted
	case !f.mac.verify(e.packet, e.ah, e.Destination.IsMulticast()):
		return ICV
	case e.sequence() <= f.sequence:
		return Replay
	}
	return Accepted
}

func (e *envelope) sequence() uint32 { return binary.BigEndian.Uint32(e.packet[e.ah+8:]) }

func (f *Format) checksumIsRight(e *envelope) bool {
	sum := add(0, e.message)
	plain := fold(sum) == 0xffff
	if f.p.Version == 2 {
		return plain
	}
	sum = addAddress(addAddress(sum, e.Source), e.Destination) + Protocol + uint32(len(e.message))
	return f.p.Source.Is4() && plain || fold(sum) == 0xffff
}

// interval is the advertisement interval that a message gives.
func (f *Format) interval(m []byte) time.Duration {
	if f.p.Version == 2 {
		return time.Duration(m[5]) * time.Second
	}
	return time.Duration(binary.BigEndian.Uint16(m[4:])&0xfff) * 10 * time.Millisecond
}

// sameAddresses says whether a message lists our addresses, in any order.
func (f *Format) sameAddresses(m []byte) bool {
	list := m[fixedSize:]
	if f.p.Version == 2 {
		list = list[:len(list)-passwordSize]
	}
	if len(list) != len(f.list) || bytes.Equal(list, f.list) {
		return len(list) == len(f.list)
	}
	size := f.p.Source.BitLen() / 8
	for ours := f.list; len(ours) > 0; ours = ours[size:] {
		found := false
		for theirs := list; len(theirs) > 0 && !found; theirs = theirs[size:] {
			found = bytes.Equal(ours[:size], theirs[:size])
		}
		if !found {
			return false
		}
	}
	return true
}
