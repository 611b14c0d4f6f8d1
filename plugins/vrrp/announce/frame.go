package announce

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
)

// An Interface is where frames go out, and with which source.
type Interface struct {
	Name     string
	Index    int
	Hardware [6]byte // the virtual router's own on a macvlan of package vmac, else the interface's
}

// Frames returns the whole Ethernet frames that announce an address: gratuitous ARP as request and as reply for IPv4, an
// unsolicited neighbour advertisement for IPv6. router says whether the machine forwards IPv6 (net.ipv6.conf.*.forwarding),
// which neighbours learn from the advertisement too.
func Frames(hardware [6]byte, address netip.Addr, router bool) ([][]byte, error) {
	if hardware == [6]byte{} {
		return nil, fmt.Errorf("announce %s: the interface has no Ethernet address", address)
	}
	if address.Is6() {
		frame, err := advertisement(hardware[:], address, router)
		if err != nil {
			return nil, fmt.Errorf("announce %s: %w", address, err)
		}
		return [][]byte{frame}, nil
	}
	// RFC 5227 section 2.3: a request for one's own address, that asks nobody (target hardware address 0).
	request, err := gratuitous(arp.OperationRequest, hardware[:], make(net.HardwareAddr, 6), address)
	if err != nil {
		return nil, fmt.Errorf("announce %s: %w", address, err)
	}
	// RFC 5944 section 4.6: a reply that nobody asked for, with the hardware address to remember as target too.
	reply, err := gratuitous(arp.OperationReply, hardware[:], hardware[:], address)
	if err != nil {
		return nil, fmt.Errorf("announce %s: %w", address, err)
	}
	return [][]byte{request, reply}, nil
}

func gratuitous(operation arp.Operation, sender, target net.HardwareAddr, address netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(operation, sender, address, target, address)
	if err != nil {
		return nil, err
	}
	data, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return framed(ethernet.Broadcast, sender, ethernet.EtherTypeARP, data), nil
}

// allNodes is ff02::1, and where Ethernet carries it (RFC 2464 section 7).
var (
	allNodes         = netip.MustParseAddr("ff02::1")
	allNodesHardware = net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}
)

// advertisement is that of RFC 4861 section 7.2.6: unsolicited, to all nodes, with the Override flag, from the address itself.
func advertisement(sender net.HardwareAddr, address netip.Addr, router bool) ([]byte, error) {
	message, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Router:        router,
		Override:      true,
		TargetAddress: address,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: sender}},
	}, address, allNodes)
	if err != nil {
		return nil, err
	}
	const (
		version    = 6 << 28
		icmp6      = 58
		hopLimit   = 255 // RFC 4861 section 7.1.2: anything less is not from this link
		headerSize = 40
	)
	packet := make([]byte, 0, headerSize+len(message))
	packet = binary.BigEndian.AppendUint32(packet, version)
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(message)))
	packet = append(packet, icmp6, hopLimit)
	packet = append(packet, address.AsSlice()...)
	packet = append(packet, allNodes.AsSlice()...)
	packet = append(packet, message...)
	return framed(allNodesHardware, sender, ethernet.EtherTypeIPv6, packet), nil
}

// framed puts an Ethernet header before a payload. Drivers fill a short frame up to 60 bytes.
func framed(to, from net.HardwareAddr, kind ethernet.EtherType, payload []byte) []byte {
	frame := make([]byte, 0, 14+len(payload))
	frame = append(frame, to...)
	frame = append(frame, from...)
	frame = binary.BigEndian.AppendUint16(frame, uint16(kind))
	return append(frame, payload...)
}
