package traffic

import (
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A real server behind dr or tun must answer a datagram from the virtual address that it was sent to, which an unconnected
// socket would not choose by itself: the kernel is asked for the address of each datagram and told it with the answer.

// echo4 answers each datagram on an IPv4 socket with body, until the socket is closed.
func echo4(c net.PacketConn, body []byte) {
	p := ipv4.NewPacketConn(c)
	if err := p.SetControlMessage(ipv4.FlagDst, true); err != nil {
		return
	}
	for b := make([]byte, 2048); ; {
		_, m, from, err := p.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = p.WriteTo(body, &ipv4.ControlMessage{Src: m.Dst}, from) // a lost answer is UDP's
	}
}

// echo6 is echo4 for IPv6.
func echo6(c net.PacketConn, body []byte) {
	p := ipv6.NewPacketConn(c)
	if err := p.SetControlMessage(ipv6.FlagDst, true); err != nil {
		return
	}
	for b := make([]byte, 2048); ; {
		_, m, from, err := p.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = p.WriteTo(body, &ipv6.ControlMessage{Src: m.Dst}, from)
	}
}
