package pair

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/lab"
)

// A Frame is something that a router said on the wire.
type Frame struct {
	Time     time.Time // when the kernel had it
	Kind     Kind
	Source   netip.Addr       // of an advert; the address announced otherwise
	MAC      net.HardwareAddr // the Ethernet frame's source
	ID       uint8            // of an advert
	Priority uint8
	Version  uint8
}

// Kind is what a frame is.
type Kind string

// The kinds of frames.
const (
	Advert   Kind = "advert"
	ARP      Kind = "gratuitous ARP" // in either form
	Neighbor Kind = "neighbor advertisement"
)

// String says what was said.
func (f Frame) String() string {
	if f.Kind == Advert {
		return fmt.Sprintf("%s advert v%d id %d priority %d from %s (%s)", f.Time.Format("05.000000"), f.Version, f.ID, f.Priority, f.Source, f.MAC)
	}
	return fmt.Sprintf("%s %s for %s (%s)", f.Time.Format("05.000000"), f.Kind, f.Source, f.MAC)
}

// A Capture sees what passes a bridge.
type Capture struct {
	fd    int
	done  chan struct{} // closed: it is to end
	ended chan struct{}

	mu     sync.Mutex
	frames []Frame
	more   chan struct{} // closed with the next frame
}

// Watch opens a capture on the lab's front bridge. It ends with Close.
func Watch(l *lab.Lab) (*Capture, error) {
	c := &Capture{more: make(chan struct{}), done: make(chan struct{}), ended: make(chan struct{})}
	err := l.InFabric(func() (err error) {
		c.fd, err = listen(lab.Front)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("watching bridge %s: %w", lab.Front, err)
	}
	go c.read()
	return c, nil
}

func listen(bridge string) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_ALL)))
	if err != nil {
		return -1, err
	}
	i, err := net.InterfaceByName(bridge)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: i.Index})
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	}
	if err == nil { // a bridge forwards unicast without a look of its own, unless it is promiscuous
		err = unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC})
	}
	if err == nil { // so that Close is noticed
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// Close ends the capture.
func (c *Capture) Close() {
	close(c.done)
	<-c.ended
}

func (c *Capture) read() {
	defer close(c.ended)
	defer unix.Close(c.fd)
	buffer, control := make([]byte, 65536), make([]byte, 256)
	for {
		select {
		case <-c.done:
			return
		default:
		}
		n, m, _, from, err := unix.Recvmsg(c.fd, buffer, control, 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		if l, ok := from.(*unix.SockaddrLinklayer); ok && l.Pkttype == unix.PACKET_OUTGOING {
			continue // the bridge's own
		}
		f, ok := parse(buffer[:n])
		if !ok {
			continue
		}
		f.Time = stamp(control[:m])
		c.mu.Lock()
		c.frames = append(c.frames, f)
		close(c.more)
		c.more = make(chan struct{})
		c.mu.Unlock()
	}
}

// stamp returns the time at which the kernel had the frame.
func stamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err == nil {
		for _, m := range messages {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
				return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			}
		}
	}
	return time.Now()
}

// parse reads what matters of an Ethernet frame.
func parse(b []byte) (f Frame, ok bool) {
	if len(b) < 14 {
		return f, false
	}
	f.MAC = net.HardwareAddr(append([]byte(nil), b[6:12]...))
	payload := b[14:]
	switch binary.BigEndian.Uint16(b[12:]) {
	case unix.ETH_P_IP:
		return f, f.ipv4(payload)
	case unix.ETH_P_IPV6:
		return f, f.ipv6(payload)
	case unix.ETH_P_ARP:
		return f, f.arp(payload)
	}
	return f, false
}

func (f *Frame) ipv4(b []byte) bool {
	if len(b) < 20 || len(b) < int(b[0]&15)*4+8 {
		return false
	}
	f.Source = netip.AddrFrom4([4]byte(b[12:16]))
	payload := b[int(b[0]&15)*4:]
	switch b[9] {
	case 51: // AH: next header, length in words less 2 (RFC 2402 section 2)
		n := (int(payload[1]) + 2) * 4
		return payload[0] == 112 && len(payload) >= n+8 && f.advert(payload[n:])
	case 112:
		return f.advert(payload)
	}
	return false
}

func (f *Frame) ipv6(b []byte) bool {
	if len(b) < 48 {
		return false
	}
	f.Source = netip.AddrFrom16([16]byte(b[8:24]))
	switch {
	case b[6] == 112:
		return f.advert(b[40:])
	case b[6] == unix.IPPROTO_ICMPV6 && b[40] == 136 && len(b) >= 64 && b[44]&0x40 == 0: // not solicited
		f.Kind, f.Source = Neighbor, netip.AddrFrom16([16]byte(b[48:64]))
		return true
	}
	return false
}

func (f *Frame) advert(b []byte) bool {
	f.Kind, f.Version, f.ID, f.Priority = Advert, b[0]>>4, b[1], b[2]
	return b[0]&15 == 1
}

func (f *Frame) arp(b []byte) bool {
	if len(b) < 28 || [4]byte(b[14:18]) != [4]byte(b[24:28]) {
		return false
	}
	f.Kind, f.Source = ARP, netip.AddrFrom4([4]byte(b[14:18]))
	return true
}

// Since returns what was said from a time on.
func (c *Capture) Since(t time.Time) []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.frames {
		if !f.Time.Before(t) {
			return append([]Frame(nil), c.frames[i:]...)
		}
	}
	return nil
}

// Next waits for the first frame since t that is wanted.
func (c *Capture) Next(ctx context.Context, t time.Time, wanted func(Frame) bool) (Frame, error) {
	for i := 0; ; {
		c.mu.Lock()
		for ; i < len(c.frames); i++ {
			if f := c.frames[i]; !f.Time.Before(t) && wanted(f) {
				c.mu.Unlock()
				return f, nil
			}
		}
		more := c.more
		c.mu.Unlock()
		select {
		case <-more:
		case <-c.ended:
			return Frame{}, fmt.Errorf("the capture has ended")
		case <-ctx.Done():
			return Frame{}, fmt.Errorf("waiting for a frame: %w", context.Cause(ctx))
		}
	}
}
