package capture

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Summary says in one line what a packet is, in the words of the field. A packet that is cut off or no packet at all is said to be
// one.
func Summary(link layers.LinkType, p Packet) string {
	first := gopacket.Decoder(layers.LayerTypeEthernet)
	if link == layers.LinkTypeRaw {
		first = version(p.Data)
	}
	packet := gopacket.NewPacket(p.Data, first, gopacket.NoCopy)
	way := "in "
	if p.Out {
		way = "out"
	}
	return fmt.Sprintf("%s %s %s", p.Time.UTC().Format("15:04:05.000000"), way, describe(packet.Layers(), p))
}

// version is the version of IP of a packet that begins with it.
func version(b []byte) gopacket.Decoder {
	if len(b) > 0 && b[0]>>4 == 6 {
		return layers.LayerTypeIPv6
	}
	return layers.LayerTypeIPv4
}

// describe goes through the layers of a packet from the outside to the inside. What it knows only the outside of it says by that.
func describe(all []gopacket.Layer, p Packet) string {
	prefix := ""
	from, to := "", ""       // of IP
	said := "nothing known"  // by the layers up to now
	var protocol, length int // of IP, and of what it carries
	for i, layer := range all {
		switch l := layer.(type) {
		case *layers.Ethernet:
			said = fmt.Sprintf("ethertype 0x%04x %s -> %s, %d bytes", uint16(l.EthernetType), l.SrcMAC, l.DstMAC, p.Length)
		case *layers.Dot1Q:
			prefix += fmt.Sprintf("VLAN %d ", l.VLANIdentifier)
			said = fmt.Sprintf("ethertype 0x%04x, %d bytes", uint16(l.Type), p.Length)
		case *layers.ARP:
			return prefix + arpText(l)
		case *layers.IPv4:
			if len(l.SrcIP) == 0 { // gopacket has a layer also of a header that is cut off
				return prefix + said
			}
			if from != "" {
				prefix += fmt.Sprintf("IPIP %s -> %s: ", from, to)
			}
			from, to = l.SrcIP.String(), l.DstIP.String()
			protocol, length = int(l.Protocol), int(l.Length)-4*int(l.IHL)
			said = ipText(protocol, from, to, length, l.Payload)
			if l.FragOffset != 0 {
				return prefix + fmt.Sprintf("fragment of IP protocol %d %s -> %s, %d bytes at %d", protocol, from, to, length, 8*int(l.FragOffset))
			}
		case *layers.IPv6:
			if len(l.SrcIP) == 0 {
				return prefix + said
			}
			if from != "" {
				prefix += fmt.Sprintf("IPIP %s -> %s: ", from, to)
			}
			from, to = l.SrcIP.String(), l.DstIP.String()
			protocol, length = int(l.NextHeader), int(l.Length)
			said = ipText(protocol, from, to, length, l.Payload)
		case *layers.GRE:
			prefix += fmt.Sprintf("GRE %s -> %s: ", from, to)
			from = ""
		case *layers.TCP:
			if l.DataOffset < 5 {
				return prefix + said
			}
			return prefix + fmt.Sprintf("TCP %s -> %s %s, %d bytes", net.JoinHostPort(from, fmt.Sprint(uint16(l.SrcPort))),
				net.JoinHostPort(to, fmt.Sprint(uint16(l.DstPort))), flags(l), length-4*int(l.DataOffset))
		case *layers.UDP:
			if l.Length < 8 {
				return prefix + said
			}
			text := fmt.Sprintf("UDP %s -> %s, %d bytes", net.JoinHostPort(from, fmt.Sprint(uint16(l.SrcPort))), net.JoinHostPort(to, fmt.Sprint(uint16(l.DstPort))), int(l.Length)-8)
			if l.DstPort == syncPort {
				text += ", IPVS connection synchronisation"
			}
			return prefix + text
		case *layers.ICMPv4:
			return prefix + fmt.Sprintf("ICMP %s -> %s %s", from, to, icmpText(l))
		case *layers.ICMPv6:
			return prefix + fmt.Sprintf("ICMP %s -> %s %s", from, to, icmp6Text(l, all[i+1:]))
		}
	}
	return prefix + said
}

// syncPort is where IPVS sends the connections that it knows (net/netfilter/ipvs/ip_vs_sync.c).
const syncPort = 8848

// ipText is what an IP packet is whose contents have no layer of their own.
func ipText(protocol int, from, to string, length int, payload []byte) string {
	if protocol == protocolVRRP {
		return fmt.Sprintf("VRRP %s -> %s %s", from, to, vrrpText(payload))
	}
	return fmt.Sprintf("IP protocol %d %s -> %s, %d bytes", protocol, from, to, length)
}

// vrrpText is an advert of version 2 (RFC 3768 section 5.1) or 3 (RFC 9568 section 5.1).
func vrrpText(b []byte) string {
	if len(b) < 8 || b[0]&15 != 1 {
		return "which is no advert"
	}
	text := fmt.Sprintf("advert v%d, router %d, priority %d", b[0]>>4, b[1], b[2])
	switch {
	case b[2] == 0:
		text += " (it leaves)"
	case b[0]>>4 == 2:
		text += fmt.Sprintf(", every %d s", b[5])
	default:
		text += fmt.Sprintf(", every %d ms", 10*(binary.BigEndian.Uint16(b[4:])&0x0fff))
	}
	return text + fmt.Sprintf(", %d VIPs", b[3])
}

func arpText(l *layers.ARP) string {
	if len(l.SourceProtAddress) != 4 || len(l.DstProtAddress) != 4 {
		return "ARP, not of IPv4"
	}
	from, to := net.IP(l.SourceProtAddress), net.IP(l.DstProtAddress)
	switch {
	case from.Equal(to):
		return fmt.Sprintf("ARP gratuitous: %s is at %s", from, net.HardwareAddr(l.SourceHwAddress))
	case l.Operation == layers.ARPRequest:
		return fmt.Sprintf("ARP who has %s? tell %s at %s", to, from, net.HardwareAddr(l.SourceHwAddress))
	}
	return fmt.Sprintf("ARP %s is at %s, told to %s", from, net.HardwareAddr(l.SourceHwAddress), to)
}

// flags are the flags of a TCP segment as they are spoken of.
func flags(l *layers.TCP) string {
	var all []string
	for _, f := range []struct {
		set  bool
		name string
	}{{l.SYN, "SYN"}, {l.FIN, "FIN"}, {l.RST, "RST"}, {l.PSH, "PSH"}, {l.URG, "URG"}, {l.ACK, "ACK"}} {
		if f.set {
			all = append(all, f.name)
		}
	}
	if all == nil {
		return "no flags"
	}
	return strings.Join(all, " ")
}

func icmpText(l *layers.ICMPv4) string {
	code := l.TypeCode.Code()
	switch l.TypeCode.Type() {
	case layers.ICMPv4TypeEchoRequest:
		return fmt.Sprintf("echo request %d of %d", l.Seq, l.Id)
	case layers.ICMPv4TypeEchoReply:
		return fmt.Sprintf("echo reply %d of %d", l.Seq, l.Id)
	case layers.ICMPv4TypeDestinationUnreachable:
		why := map[uint8]string{
			layers.ICMPv4CodeNet: "network", layers.ICMPv4CodeHost: "host", layers.ICMPv4CodeProtocol: "protocol", layers.ICMPv4CodePort: "port",
			layers.ICMPv4CodeFragmentationNeeded: "fragmentation needed", layers.ICMPv4CodeCommAdminProhibited: "prohibited",
		}[code]
		if why == "" {
			why = fmt.Sprintf("code %d", code)
		}
		return "destination unreachable: " + why
	case layers.ICMPv4TypeRedirect:
		return "redirect"
	case layers.ICMPv4TypeTimeExceeded:
		return "time exceeded"
	}
	return fmt.Sprintf("type %d code %d", l.TypeCode.Type(), code)
}

func icmp6Text(l *layers.ICMPv6, inside []gopacket.Layer) string {
	for _, layer := range inside {
		switch in := layer.(type) {
		case *layers.ICMPv6Echo:
			kind := "request"
			if l.TypeCode.Type() == layers.ICMPv6TypeEchoReply {
				kind = "reply"
			}
			return fmt.Sprintf("echo %s %d of %d", kind, in.SeqNumber, in.Identifier)
		case *layers.ICMPv6NeighborSolicitation:
			return "neighbor solicitation for " + address(in.TargetAddress)
		case *layers.ICMPv6NeighborAdvertisement:
			return "neighbor advertisement for " + address(in.TargetAddress)
		}
	}
	switch l.TypeCode.Type() {
	case layers.ICMPv6TypeDestinationUnreachable:
		return fmt.Sprintf("destination unreachable: code %d", l.TypeCode.Code())
	case layers.ICMPv6TypePacketTooBig:
		return "packet too big"
	case layers.ICMPv6TypeTimeExceeded:
		return "time exceeded"
	case layers.ICMPv6TypeRouterAdvertisement:
		return "router advertisement"
	case layers.ICMPv6TypeRouterSolicitation:
		return "router solicitation"
	}
	return fmt.Sprintf("type %d code %d", l.TypeCode.Type(), l.TypeCode.Code())
}

func address(ip net.IP) string {
	a, _ := netip.AddrFromSlice(ip) // of another length it is "invalid IP", which it is
	return a.String()
}
