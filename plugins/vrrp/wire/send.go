package wire

import (
	"unsafe"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"golang.org/x/sys/unix"
)

// An outbox6 is the memory for what goes with an IPv6 packet: where to, from where, and its hop limit (RFC 3542). Go aligns
// the control messages as CMSG_ALIGN does: to the word of their header's length.
type outbox6 struct {
	header  unix.Msghdr
	vector  unix.Iovec
	to      unix.RawSockaddrInet6
	control struct {
		info     unix.Cmsghdr
		from     unix.Inet6Pktinfo
		hops     unix.Cmsghdr
		hopLimit int32
	}
}

// prepare fills in all that no packet changes, once.
func (o *outbox6) prepare() {
	c := &o.control
	c.info.Level, c.info.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	c.info.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	c.hops.Level, c.hops.Type = unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT
	c.hops.SetLen(unix.CmsgLen(4))
	o.to.Family = unix.AF_INET6
	o.header.Name, o.header.Namelen = (*byte)(unsafe.Pointer(&o.to)), unix.SizeofSockaddrInet6
	o.header.Iov = &o.vector
	o.header.SetIovlen(1)
	o.header.Control = (*byte)(unsafe.Pointer(c))
	o.header.SetControllen(int(unsafe.Sizeof(*c)))
}

// Send sends a packet that advert.Format.Append has made to m.Destination. Over IPv6 it leaves from m.Source with the hop
// limit m.TTL; over IPv4 both are in the packet. It does not block. An error is the kernel's (unix.Errno): ENETDOWN or
// ENETUNREACH when the interface is down (over IPv6 EINVAL: its addresses go with it), ENODEV when it is gone, EPERM when a
// packet filter forbids it, ENOBUFS or EAGAIN when the queue is full, EINVAL over IPv6 when the source is not ours.
func (s *Socket) Send(packet []byte, m advert.Meta) error {
	if len(packet) == 0 {
		return unix.EINVAL
	}
	if s.key.Address.Is4() {
		return s.send4(packet, m)
	}
	return s.send6(packet, m)
}

func (s *Socket) send4(packet []byte, m advert.Meta) error {
	s.out4.Family, s.out4.Addr = unix.AF_INET, m.Destination.As4()
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&s.out4)), unix.SizeofSockaddrInet4)
	return plain(errno)
}

func (s *Socket) send6(packet []byte, m advert.Meta) error {
	o := &s.out6
	o.to.Addr, o.to.Scope_id = m.Destination.As16(), s.zone(m.Destination)
	o.control.from = unix.Inet6Pktinfo{Addr: m.Source.As16(), Ifindex: uint32(s.key.Index)}
	o.control.hopLimit = int32(m.TTL)
	o.vector.Base = &packet[0]
	o.vector.SetLen(len(packet))
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&o.header)), unix.MSG_DONTWAIT)
	o.vector.Base = nil
	return plain(errno)
}

// plain makes an error of what a system call returned.
func plain(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
