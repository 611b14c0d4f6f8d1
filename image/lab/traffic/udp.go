package traffic

import (
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// echo answers each datagram from the address that it was sent to: a real server behind dr or tun must answer from the
// virtual address, which an unconnected socket would not choose by itself.
func echo(c *net.UDPConn, body []byte) {
	// One socket serves both families: for IPv4 the kernel reports and takes the local address in the IPv6 form.
	p6, p4 := ipv6.NewPacketConn(c), ipv4.NewPacketConn(c)
	_ = p6.SetControlMessage(ipv6.FlagDst, true)
	_ = p4.SetControlMessage(ipv4.FlagDst, true)
	b, oob := make([]byte, 2048), make([]byte, 512)
	for {
		_, n, _, from, err := c.ReadMsgUDPAddrPort(b, oob)
		if err != nil {
			return
		}
		_, _, _ = c.WriteMsgUDPAddrPort(body, source(oob[:n]), from) // a lost answer is UDP's
	}
}

// source makes the control message "send from there" of the control message "it was sent to".
func source(received []byte) []byte {
	var m6 ipv6.ControlMessage
	if m6.Parse(received) == nil && m6.Dst != nil {
		return (&ipv6.ControlMessage{Src: m6.Dst}).Marshal()
	}
	var m4 ipv4.ControlMessage
	if m4.Parse(received) == nil && m4.Dst != nil {
		return (&ipv4.ControlMessage{Src: m4.Dst}).Marshal()
	}
	return nil
}
