package wire

import (
	"net/netip"
	"unsafe"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"golang.org/x/sys/unix"
)

// batch is how many packets one system call reads, and room how many bytes of each: more than an advert can have, so that a
// packet that was cut off is wrong in any case.
const (
	batch = 8
	room  = advert.MaxSize + 128
)

// A Packet is one that came in. It is the Socket's: valid until its next Receive.
type Packet struct {
	Data []byte // with the IP header for IPv4, the message alone for IPv6
	advert.Meta
}

// An inbox is the memory that packets are received into.
type inbox struct {
	messages [batch]unix.Mmsghdr
	vectors  [batch]unix.Iovec
	sources  [batch]unix.RawSockaddrInet6
	control  [batch][64]byte // two control messages: IPV6_PKTINFO of 36 bytes and IPV6_HOPLIMIT of 20, each padded to 8
	packets  [batch]Packet
	data     [batch][]byte
}

// prepare points the kernel's structures at their buffers, once. All of them live as long as the socket.
func (in *inbox) prepare(family int) {
	buffer := make([]byte, batch*room)
	for i := range in.messages {
		in.data[i] = buffer[i*room : (i+1)*room]
		in.vectors[i].Base = &in.data[i][0]
		in.vectors[i].SetLen(room)
		h := &in.messages[i].Hdr
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		if family == unix.AF_INET6 {
			h.Name = (*byte)(unsafe.Pointer(&in.sources[i]))
			h.Control = &in.control[i][0]
		}
	}
}

// Receive returns packets that are waiting, at most 8 of them, and none when there are none: call it until then. An error
// is the kernel's (unix.Errno), of the socket and not of a packet: ENETDOWN once when the interface goes down.
func (s *Socket) Receive() ([]Packet, error) {
	in := &s.in
	for i := range in.messages {
		h := &in.messages[i].Hdr
		if h.Name != nil { // the kernel has written the sizes that it used
			h.Namelen = unix.SizeofSockaddrInet6
			h.SetControllen(len(in.control[i]))
		}
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&in.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR:
		return nil, nil
	default:
		return nil, errno
	}
	for i := range int(n) {
		in.packets[i].Data = in.data[i][:in.messages[i].Len]
		if s.key.Address.Is4() {
			in.packets[i].Meta = meta4(in.packets[i].Data)
		} else {
			in.packets[i].Meta = in.meta6(i)
		}
	}
	return in.packets[:n], nil
}

// meta4 reads the IP header, which the kernel has checked.
func meta4(p []byte) advert.Meta {
	if len(p) < 20 {
		return advert.Meta{}
	}
	return advert.Meta{Source: netip.AddrFrom4([4]byte(p[12:])), Destination: netip.AddrFrom4([4]byte(p[16:])), TTL: p[8]}
}

// meta6 reads the control messages (RFC 3542).
func (in *inbox) meta6(i int) advert.Meta {
	m := advert.Meta{Source: netip.AddrFrom16(in.sources[i].Addr)}
	control := in.control[i][:in.messages[i].Hdr.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		if int(h.Len) < unix.SizeofCmsghdr || int(h.Len) > len(control) {
			break
		}
		switch data := control[unix.SizeofCmsghdr:h.Len]; {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			m.Destination = netip.AddrFrom16([16]byte(data))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			m.TTL = uint8(*(*int32)(unsafe.Pointer(&data[0])))
		}
		control = control[min(len(control), unix.CmsgSpace(int(h.Len)-unix.SizeofCmsghdr)):]
	}
	return m
}
