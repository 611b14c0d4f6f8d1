package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// errRefused is a server's no (DHCPNAK): the address must not be used any more.
var errRefused = errors.New("the server refuses the address")

// A conversation is with the DHCP servers of one interface. Its answers have the server's own bytes, so that a
// later process can go on with them.
type conversation interface {
	// Ask asks for any address (DISCOVER, REQUEST).
	Ask(ctx context.Context) (*answer, error)
	// Renew asks for the same address again; with confirm, whether this is still the network that it is of. The error is
	// errRefused if the server says no.
	Renew(ctx context.Context, former *answer, confirm bool) (*answer, error)
}

// An answer is a lease with the message that it is from.
type answer struct {
	Lease
	ACK []byte
}

// A client speaks DHCPv4 on a raw socket: the interface needs no address for it. The socket is open only while it speaks, and
// a filter keeps everything else of what the card receives away from it.
type client struct {
	iface    string
	hostname string // told to the server; "": none
}

// filter lets pass UDP to port 68. The socket is a datagram one: packets begin with their IPv4 header.
var filter = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 3},
	bpf.LoadMemShift{Off: 0},          // the header's length
	bpf.LoadIndirect{Off: 2, Size: 2}, // the port it goes to
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: nclient4.ClientPort, SkipTrue: 1},
	bpf.RetConstant{Val: 0},
	bpf.RetConstant{Val: 1 << 16},
}

func (c *client) open() (*nclient4.Client, error) {
	ifc, err := net.InterfaceByName(c.iface)
	if err != nil {
		return nil, err
	}
	program, err := bpf.Assemble(filter)
	if err != nil {
		return nil, err
	}
	raw, err := packet.Listen(ifc, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: program})
	if err != nil {
		return nil, err
	}
	conn := nclient4.NewBroadcastUDPConn(raw, &net.UDPAddr{Port: nclient4.ClientPort})
	nc, err := nclient4.NewWithConn(conn, ifc.HardwareAddr, nclient4.WithTimeout(2*time.Second), nclient4.WithRetry(2))
	if err != nil {
		conn.Close()
		return nil, err
	}
	return nc, nil
}

// requested are the options that we ask for, and the name that a server may put into its DNS.
func (c *client) requested() []dhcpv4.Modifier {
	ms := []dhcpv4.Modifier{dhcpv4.WithRequestedOptions(
		dhcpv4.OptionSubnetMask, dhcpv4.OptionClasslessStaticRoute, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer,
		dhcpv4.OptionDomainName, dhcpv4.OptionDNSDomainSearchList, dhcpv4.OptionNTPServers, dhcpv4.OptionHostName,
		dhcpv4.OptionInterfaceMTU, dhcpv4.OptionRenewTimeValue)}
	if c.hostname != "" {
		ms = append(ms, dhcpv4.WithOption(dhcpv4.OptHostName(c.hostname)))
	}
	return ms
}

// Ask asks for any address.
func (c *client) Ask(ctx context.Context) (*answer, error) {
	nc, err := c.open()
	if err != nil {
		return nil, fmt.Errorf("asking for an address: %w", err)
	}
	defer nc.Close()
	l, err := nc.Request(ctx, c.requested()...)
	if err != nil {
		return answered(nil, err)
	}
	return answered(l.ACK, nil)
}

// Renew asks for the same address again, and every server: after a restart, or with the cable in another switch, the one that
// gave it may not be there. With confirm it is the request of RFC 2131 section 4.4.2 (INIT-REBOOT), which a server of another
// network refuses; without, that of section 4.4.5 (REBINDING), which extends the lease.
func (c *client) Renew(ctx context.Context, former *answer, confirm bool) (*answer, error) {
	ack, err := dhcpv4.FromBytes(former.ACK)
	if err != nil {
		return nil, fmt.Errorf("reading the former lease: %w", err)
	}
	nc, err := c.open()
	if err != nil {
		return nil, fmt.Errorf("asking for the address again: %w", err)
	}
	defer nc.Close()
	ms := append(c.requested(), dhcpv4.WithHwAddr(nc.InterfaceAddr()), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest))
	if confirm {
		ms = append(ms, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(ack.YourIPAddr)))
	} else {
		ms = append(ms, dhcpv4.WithClientIP(ack.YourIPAddr))
	}
	request, err := dhcpv4.New(ms...)
	if err != nil {
		return nil, fmt.Errorf("asking for the address again: %w", err)
	}
	said, err := nc.SendAndRead(ctx, nclient4.DefaultServers, request, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
	if err == nil && said.MessageType() == dhcpv4.MessageTypeNak {
		return nil, errRefused
	}
	return answered(said, err)
}

func answered(ack *dhcpv4.DHCPv4, err error) (*answer, error) {
	if errors.As(err, new(*nclient4.ErrNak)) {
		return nil, errRefused
	}
	if errors.Is(err, nclient4.ErrNoResponse) || errors.Is(err, context.DeadlineExceeded) {
		return nil, errors.New("no DHCP server answers")
	}
	if err != nil {
		return nil, err
	}
	lease, ok := read(ack, time.Now())
	if !ok {
		return nil, fmt.Errorf("the DHCP server at %s offers no usable address", ack.ServerIdentifier())
	}
	return &answer{Lease: lease, ACK: ack.ToBytes()}, nil
}
