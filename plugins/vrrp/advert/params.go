package advert

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Protocol and ProtocolAH are the IP protocol numbers of an advert and of one behind an authentication header.
const (
	Protocol   = 112
	ProtocolAH = 51
)

// Group returns the multicast group of all VRRP routers: 224.0.0.18, or ff02::12.
func Group(ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.AddrFrom16([16]byte{0xff, 0x02, 15: 0x12})
	}
	return netip.AddrFrom4([4]byte{224, 0, 0, 18})
}

// Authentication is version 2's authentication type, by its number on the wire (RFC 2338 section 5.3.6).
type Authentication uint8

// The three types. Version 3 knows only the first.
const (
	None     Authentication = 0
	Password Authentication = 1
	AH       Authentication = 2
)

// A Peer is a router that adverts are exchanged with by unicast.
type Peer struct {
	Address netip.Addr
	// MinTTL and MaxTTL bound the TTL or hop limit of what comes from it. MaxTTL 0 is no bound.
	MinTTL, MaxTTL uint8
}

// Params are what a virtual router speaks. Its family is its Source's.
type Params struct {
	Version  uint8         // 2 (IPv4 only) or 3
	VRID     uint8         // 1 to 255
	Source   netip.Addr    // our primary address on the interface; for IPv6 the link-local one
	Interval time.Duration // between our adverts: 1 s to 255 s in version 2, 10 ms to 40.95 s in steps of 10 ms in version 3
	// Addresses are the virtual addresses that the advert lists, in this order: 1 to 255 of them, of Source's family.
	Addresses []netip.Addr

	Authentication Authentication
	Password       string // 8 bytes of it count
	// Sequence is the last sequence number that this virtual router has seen: Format.Sequence of the Format that this one
	// replaces, or StartSequence.
	Sequence uint32

	PseudoHeader bool  // version 3 over IPv4: send RFC 5798's checksum instead of RFC 9568's
	TTL          uint8 // of what is sent; 0 means 255

	Peers []Peer // who is spoken to by unicast. None: multicast
	// CheckPeers refuses what comes from somebody who is not in Peers. A range of TTLs is no protection without it.
	CheckPeers bool
	// CheckAddresses refuses an advert that lists other addresses than ours, as RFC 3768 section 7.1 and keepalived before
	// 2.3.3 do. Otherwise Advert.SameAddresses says it, as RFC 9568 section 7.1 wants.
	CheckAddresses bool
}

// maxAddresses is what the count's byte can say.
const maxAddresses = 255

func (p *Params) validate() error {
	switch {
	case p.Version != 2 && p.Version != 3:
		return fmt.Errorf("version %d: there are 2 and 3", p.Version)
	case p.VRID == 0:
		return errors.New("virtual router 0: they are numbered from 1 to 255")
	case !p.Source.IsValid():
		return errors.New("no source address")
	case p.Version == 2 && !p.Source.Is4():
		return fmt.Errorf("source address %v: version 2 speaks IPv4 only", p.Source)
	case len(p.Addresses) == 0 || len(p.Addresses) > maxAddresses:
		return fmt.Errorf("%d virtual addresses: an advert lists 1 to %d", len(p.Addresses), maxAddresses)
	case p.Authentication > AH:
		return fmt.Errorf("authentication type %d: there are 0, 1 and 2", p.Authentication)
	case p.Version == 3 && p.Authentication != None:
		return errors.New("version 3 has no authentication")
	case p.Authentication != None && p.Password == "":
		return errors.New("no password to authenticate with")
	}
	unit, most := 10*time.Millisecond, 40950*time.Millisecond
	if p.Version == 2 {
		unit, most = time.Second, 255*time.Second
	}
	if p.Interval < unit || p.Interval > most || p.Interval%unit != 0 {
		return fmt.Errorf("interval %v: version %d has %v to %v in steps of %v", p.Interval, p.Version, unit, most, unit)
	}
	for _, a := range p.Addresses {
		if a.Is4() != p.Source.Is4() {
			return fmt.Errorf("virtual address %v is not of the family of %v", a, p.Source)
		}
	}
	for _, peer := range p.Peers {
		switch {
		case peer.Address.Is4() != p.Source.Is4() || peer.Address.IsMulticast():
			return fmt.Errorf("peer %v is not a unicast address of the family of %v", peer.Address, p.Source)
		case peer.MaxTTL != 0 && peer.MinTTL > peer.MaxTTL:
			return fmt.Errorf("peer %v: a TTL of at least %d and at most %d", peer.Address, peer.MinTTL, peer.MaxTTL)
		}
	}
	return nil
}
