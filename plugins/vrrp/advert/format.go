package advert

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Sizes in bytes: of the headers without options, of the message's fixed part, and of version 2's authentication data.
const (
	ipv4Size     = 20
	ahSize       = 24
	fixedSize    = 8
	passwordSize = 8
)

// MaxSize is the size of the longest advert: version 3 with 255 IPv6 addresses.
const MaxSize = fixedSize + maxAddresses*16

// A Format writes and reads the adverts of one virtual router. It is one goroutine's at a time.
type Format struct {
	p        Params
	packet   []byte // the advert without what changes from one to the next
	message  int    // where the message starts in it
	list     []byte // the addresses in it
	sum      uint32 // the checksum's sum of all that does not change
	password [passwordSize]byte
	id       uint16 // of the last IPv4 packet
	sequence uint32
	mac      *mac // nil without AH
}

// New prepares the adverts of a virtual router. The error says what is wrong with the parameters.
func New(p Params) (*Format, error) {
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("virtual router %d: %w", p.VRID, err)
	}
	if p.TTL == 0 {
		p.TTL = 255
	}
	p.Source = p.Source.WithZone("")
	f := &Format{p: p, sequence: p.Sequence}
	if p.Authentication != None {
		copy(f.password[:], p.Password)
	}
	if p.Authentication == AH {
		f.mac = newMAC(f.password[:])
	}
	if p.Source.Is4() {
		f.packet = f.appendHeaders(f.packet)
	}
	f.message = len(f.packet)
	f.packet = append(f.packet, p.Version<<4|typeAdvert, p.VRID, 0, uint8(len(p.Addresses)), 0, 0, 0, 0)
	start := len(f.packet)
	for _, a := range p.Addresses {
		f.packet = append(f.packet, a.AsSlice()...)
	}
	f.list = f.packet[start:len(f.packet):len(f.packet)]
	m := f.packet[f.message:]
	if p.Version == 2 {
		m[4], m[5] = uint8(p.Authentication), uint8(p.Interval/time.Second)
		if p.Authentication == Password {
			f.packet = append(f.packet, f.password[:]...)
		} else {
			f.packet = append(f.packet, make([]byte, passwordSize)...)
		}
	} else {
		binary.BigEndian.PutUint16(m[4:], uint16(p.Interval/(10*time.Millisecond)))
	}
	f.finish()
	return f, nil
}

// appendHeaders appends the IPv4 header, and the AH header with AH.
func (f *Format) appendHeaders(b []byte) []byte {
	const networkControl = 0xc0 // the precedence, RFC 791
	protocol := uint8(Protocol)
	if f.mac != nil {
		protocol = ProtocolAH
	}
	source := f.p.Source.As4()
	b = append(b, 0x45, networkControl, 0, 0, 0, 0, 0, 0, f.p.TTL, protocol, 0, 0)
	b = append(b, source[:]...)
	b = append(b, 0, 0, 0, 0)
	if f.mac != nil {
		b = append(b, Protocol, ahSize/4-2, 0, 0) // RFC 2402 section 2.2: the length in words, minus 2
		b = append(b, source[:]...)
		b = append(b, make([]byte, ahSize-8)...)
	}
	return b
}

// finish fills in the total length, and sums what will not change.
func (f *Format) finish() {
	m := f.packet[f.message:]
	if f.p.Source.Is4() {
		binary.BigEndian.PutUint16(f.packet[2:], uint16(len(f.packet)))
	}
	f.sum = add(0, m)
	if f.pseudoHeader() {
		f.sum = addAddress(f.sum, f.p.Source) + Protocol + uint32(len(m))
	}
}

// pseudoHeader says whether the checksum that is sent covers the addresses of the packet.
func (f *Format) pseudoHeader() bool {
	return f.p.Version == 3 && (f.p.PseudoHeader || !f.p.Source.Is4())
}

// Append appends an advert with this priority for one receiver: Group, or a peer. For IPv4 it is a packet with its IP
// header, for a socket with IP_HDRINCL (the kernel fills in the header's checksum); for IPv6 it is the message alone, which
// must leave from Params.Source. With AH each call takes a sequence number.
func (f *Format) Append(b []byte, priority uint8, to netip.Addr) []byte {
	start := len(b)
	b = append(b, f.packet...)
	packet, m := b[start:], b[start+f.message:]
	m[2] = priority
	sum := f.sum + uint32(priority)<<8
	if f.pseudoHeader() {
		sum = addAddress(sum, to)
	}
	binary.BigEndian.PutUint16(m[6:], ^fold(sum))
	if !f.p.Source.Is4() {
		return b
	}
	if f.id++; f.id == 0 {
		f.id = 1 // the kernel replaces a 0, which AH would not survive
	}
	binary.BigEndian.PutUint16(packet[4:], f.id)
	destination := to.As4()
	copy(packet[16:], destination[:])
	if f.mac != nil {
		f.sequence = min(f.sequence, lastSequence-1) + 1
		binary.BigEndian.PutUint32(packet[ipv4Size+8:], f.sequence)
		f.mac.sign(packet, ipv4Size, to.IsMulticast())
	}
	return b
}

// Size is the length in bytes of what Append appends.
func (f *Format) Size() int { return len(f.packet) }

// Sequence is the highest AH sequence number sent or accepted.
func (f *Format) Sequence() uint32 { return f.sequence }

// Params are what the Format was made of.
func (f *Format) Params() Params { return f.p }
