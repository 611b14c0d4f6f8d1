// Package capture shows or keeps the packets of a network interface, as tcpdump does: what of them is of interest is decided by a
// filter in the kernel (BPF), so that looking for a few packets on a busy director costs little.
package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A Packet is one that came or went.
type Packet struct {
	Time   time.Time
	Data   []byte // its beginning; valid until the next one
	Length int    // of all of it, in bytes
	Out    bool   // this machine has sent it
}

// Snap is how many bytes of each packet are read, unless another number is given: the largest packet of any network.
const Snap = 65535

// A Capture reads the packets of an interface.
type Capture struct {
	Interface string
	Filter    Filter
	Snap      int // bytes of each packet; 0: Snap
	Count     int // ends after so many; 0: no bound

	conn *packet.Conn
	link layers.LinkType
	snap int
}

// Result says how it went.
type Result struct {
	Packets int
	Dropped int // what fitted the filter and came faster than it was read
}

// Open begins to capture. Link is known from then on.
func (c *Capture) Open() error {
	ifi, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return fmt.Errorf("there is no network interface %q: \"evenkeel network\" lists them", c.Interface)
	}
	if c.link, err = linkOf(c.Interface); err != nil {
		return fmt.Errorf("capturing on %s: %w", c.Interface, err)
	}
	if c.snap = c.Snap; c.snap == 0 {
		c.snap = Snap
	}
	program, err := c.Filter.program(c.link == layers.LinkTypeEthernet, ifi.Flags&net.FlagLoopback != 0, c.snap)
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("making the filter: %w", err)
	}
	if c.conn, err = packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: raw}); err != nil {
		return fmt.Errorf("capturing on %s: %w", c.Interface, err)
	}
	rc, err := c.conn.SyscallConn()
	if err == nil {
		err = errors.Join(rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_AUXDATA, 1) }), err)
	}
	if err != nil {
		c.conn.Close()
		return fmt.Errorf("capturing on %s: %w", c.Interface, err)
	}
	return nil
}

// Link is what packets begin with.
func (c *Capture) Link() layers.LinkType { return c.link }

// linkOf says what the packets of an interface begin with (include/uapi/linux/if_arp.h).
func linkOf(name string) (layers.LinkType, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return 0, fmt.Errorf("asking what kind of interface it is: %w", err)
	}
	switch kind := l.Attrs().EncapType; kind {
	case "ether", "loopback":
		return layers.LinkTypeEthernet, nil
	case "ipip", "tunnel6", "sit", "none":
		return layers.LinkTypeRaw, nil
	default:
		return 0, fmt.Errorf("its kind, %s, is neither Ethernet nor a tunnel of IP packets", kind)
	}
}

// Run calls f with each packet until ctx ends, there were Count of them, or f returns an error, which it returns.
func (c *Capture) Run(ctx context.Context, f func(Packet) error) (r Result, err error) {
	defer c.conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b := make([]byte, c.snap+vlanSize)
	for err == nil && (c.Count == 0 || r.Packets < c.Count) {
		var p Packet
		if p, err = c.read(b); err == nil {
			r.Packets++
			err = f(p)
		}
	}
	if s, err := c.conn.Stats(); err == nil {
		r.Dropped = int(s.Drops)
	}
	if ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return r, err
}

const vlanSize = 4 // bytes that a VLAN tag adds (IEEE 802.1Q)

// read reads one packet. The kernel tells beside it how long it was and which VLAN tag it had (packet(7), PACKET_AUXDATA).
func (c *Capture) read(b []byte) (Packet, error) {
	rc, err := c.conn.SyscallConn()
	if err != nil {
		return Packet{}, fmt.Errorf("capturing on %s: %w", c.Interface, err)
	}
	var n, controls int
	var from unix.Sockaddr
	var oob [128]byte
	waited := rc.Read(func(fd uintptr) bool {
		n, controls, _, from, err = unix.Recvmsg(int(fd), b[:c.snap], oob[:], 0)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	if err := errors.Join(waited, err); err != nil {
		return Packet{}, fmt.Errorf("capturing on %s: %w", c.Interface, err)
	}
	p := Packet{Time: time.Now(), Data: b[:n], Length: n}
	if ll, ok := from.(*unix.SockaddrLinklayer); ok {
		p.Out = ll.Pkttype == unix.PACKET_OUTGOING
	}
	if aux, ok := auxiliary(oob[:controls]); ok {
		p.Length = int(aux.Len)
		if aux.Status&unix.TP_STATUS_VLAN_VALID != 0 && n >= addressesSize {
			p.Data = tagged(b[:n+vlanSize], aux)
			p.Length += vlanSize
		}
	}
	return p, nil
}
