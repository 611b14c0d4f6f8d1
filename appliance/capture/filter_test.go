package capture

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/net/bpf"
)

// made is a packet of layers, with its lengths and sums made right.
func made(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ethernet(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: kind}
}

func ip4(protocol layers.IPProtocol, from, to string) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: protocol, SrcIP: net.ParseIP(from).To4(), DstIP: net.ParseIP(to).To4()}
}

func ip6(protocol layers.IPProtocol, from, to string) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: protocol, SrcIP: net.ParseIP(from), DstIP: net.ParseIP(to)}
}

func askARP(from, to string) *layers.ARP {
	return &layers.ARP{AddrType: 1, Protocol: 0x0800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1, SourceHwAddress: []byte{2, 0, 0, 0, 0, 1},
		DstHwAddress: make([]byte, 6), SourceProtAddress: net.ParseIP(from).To4(), DstProtAddress: net.ParseIP(to).To4()}
}

// traffic is one of everything that a director sees.
func traffic(t testing.TB) map[string][]byte {
	options := ip4(6, "192.0.2.5", "192.0.2.10")
	options.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 1}}
	rest := ip4(6, "192.0.2.5", "192.0.2.10")
	rest.FragOffset = 10
	syn := &layers.TCP{SrcPort: 40000, DstPort: 80, SYN: true, DataOffset: 5}
	return map[string][]byte{
		"arp":      made(t, ethernet(0x0806), askARP("192.0.2.5", "192.0.2.10")),
		"syn":      made(t, ethernet(0x0800), ip4(6, "192.0.2.5", "192.0.2.10"), syn),
		"answer":   made(t, ethernet(0x0800), ip4(6, "192.0.2.10", "192.0.2.5"), &layers.TCP{SrcPort: 80, DstPort: 40000, SYN: true, ACK: true, DataOffset: 5}),
		"options":  made(t, ethernet(0x0800), options, syn),
		"fragment": made(t, ethernet(0x0800), rest, gopacket.Payload("\x00\x50\x00\x50")),
		"syn6":     made(t, ethernet(0x86dd), ip6(6, "2001:db8::5", "2001:db8::10"), syn),
		"dns":      made(t, ethernet(0x0800), ip4(17, "192.0.2.5", "192.0.2.53"), &layers.UDP{SrcPort: 40000, DstPort: 53}, gopacket.Payload("??")),
		"sync":     made(t, ethernet(0x0800), ip4(17, "192.0.2.5", "224.0.0.81"), &layers.UDP{SrcPort: 40000, DstPort: 8848}, gopacket.Payload("??")),
		"ping":     made(t, ethernet(0x0800), ip4(1, "192.0.2.5", "192.0.2.10"), &layers.ICMPv4{TypeCode: 0x0800, Id: 7, Seq: 3}),
		"ping6":    made(t, ethernet(0x86dd), ip6(58, "2001:db8::5", "2001:db8::10"), &layers.ICMPv6{TypeCode: 0x8000}, &layers.ICMPv6Echo{Identifier: 7, SeqNumber: 3}),
		"advert":   made(t, ethernet(0x0800), ip4(112, "192.0.2.2", "224.0.0.18"), gopacket.Payload("\x31\x33\x64\x02\x00\x64\x00\x00")),
		"advert2":  made(t, ethernet(0x0800), ip4(112, "192.0.2.2", "224.0.0.18"), gopacket.Payload("\x21\x33\x00\x01\x00\x01\x00\x00")),
		"tunnel":   made(t, ethernet(0x0800), ip4(4, "192.0.2.2", "10.0.0.11"), ip4(6, "192.0.2.5", "192.0.2.10"), syn),
		"lldp":     made(t, ethernet(0x88cc), gopacket.Payload("?")),
	}
}

func TestAFilterTakesWhatItNamesAndNothingElse(t *testing.T) {
	all := traffic(t)
	host := netip.MustParseAddr
	for _, c := range []struct {
		filter Filter
		takes  string
	}{
		{Filter{}, "advert advert2 answer arp dns fragment lldp options ping ping6 sync syn syn6 tunnel"},
		{Filter{Protocol: "arp"}, "arp"},
		{Filter{Protocol: "ARP", Host: host("192.0.2.10")}, "arp"},
		{Filter{Protocol: "arp", Host: host("192.0.2.11")}, ""},
		{Filter{Protocol: "tcp"}, "answer fragment options syn syn6"},
		{Filter{Protocol: "icmp"}, "ping ping6"},
		{Filter{Protocol: "vrrp"}, "advert advert2"},
		{Filter{Protocol: "112"}, "advert advert2"},
		{Filter{Protocol: "ipip"}, "tunnel"},
		{Filter{Port: 80}, "answer options syn syn6"},
		{Filter{Port: 53}, "dns"},
		{Filter{Port: 80, Protocol: "udp"}, ""},
		{Filter{Port: 80, Protocol: "tcp", Host: host("192.0.2.10")}, "answer options syn"},
		{Filter{Host: host("192.0.2.5")}, "answer arp dns fragment options ping sync syn"},
		{Filter{Host: host("::ffff:10.0.0.11")}, "tunnel"},
		{Filter{Host: host("2001:db8::10")}, "ping6 syn6"},
		{Filter{Host: host("2001:db8::11")}, ""},
	} {
		program, err := c.filter.program(true, false, 64)
		if err != nil {
			t.Errorf("%+v: %v", c.filter, err)
			continue
		}
		vm, err := bpf.NewVM(program)
		if err != nil {
			t.Fatalf("%+v: %v", c.filter, err)
		}
		var takes []string
		for _, name := range strings.Fields("advert advert2 answer arp dns fragment lldp options ping ping6 sync syn syn6 tunnel") {
			n, err := vm.Run(all[name])
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				takes = append(takes, name)
			}
		}
		if got := strings.Join(takes, " "); got != c.takes {
			t.Errorf("%+v takes %s, want %s", c.filter, got, c.takes)
		}
	}
}

// What a tunnel's interface has begins with IP.
func TestAFilterOfATunnelBeginsWithIP(t *testing.T) {
	program, err := Filter{Port: 80}.program(false, false, 64)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"syn": 64, "syn6": 64, "dns": 0, "options": 64} {
		b := traffic(t)[name][14:]
		if n, err := vm.Run(b); n != want || err != nil {
			t.Errorf("%s: %d bytes, %v; want %d", name, n, err, want)
		}
	}
}

func TestAFilterThatCannotBeSaysSo(t *testing.T) {
	for want, f := range map[string]Filter{
		`"tpc" is no protocol: write one of arp, gre, icmp, ipip, tcp, udp, vrrp, or the number`: {Protocol: "tpc"},
		`"256" is no protocol`: {Protocol: "256"},
		"ARP has no ports":     {Protocol: "arp", Port: 80},
		"vrrp has no ports":    {Protocol: "vrrp", Port: 80},
		"there is no ARP for 2001:db8::1, or on this interface": {Protocol: "arp", Host: netip.MustParseAddr("2001:db8::1")},
	} {
		if _, err := f.program(true, false, 64); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", f, err, want)
		}
	}
}
