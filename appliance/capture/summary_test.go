package capture

import (
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func TestAPacketIsToldInTheWordsOfTheField(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)
	all := traffic(t)
	all["gratuitous"] = made(t, ethernet(0x0806), askARP("192.0.2.10", "192.0.2.10"))
	all["vlan"] = made(t, ethernet(0x8100), &layers.Dot1Q{VLANIdentifier: 12, Type: 0x0806}, askARP("192.0.2.5", "192.0.2.10"))
	all["unreachable"] = made(t, ethernet(0x0800), ip4(1, "192.0.2.10", "192.0.2.5"), &layers.ICMPv4{TypeCode: 0x0303}, gopacket.Payload("........"))
	all["solicitation"] = made(t, ethernet(0x86dd), ip6(58, "fe80::1", "ff02::1:ff00:10"), &layers.ICMPv6{TypeCode: 0x8700}, &layers.ICMPv6NeighborSolicitation{TargetAddress: []byte(ip6(0, "2001:db8::10", "").SrcIP)})
	all["empty"] = nil
	all["cut"] = all["syn"][:20]
	all["cut later"] = all["syn"][:40]
	for name, want := range map[string]string{
		"arp":          "ARP who has 192.0.2.10? tell 192.0.2.5 at 02:00:00:00:00:01",
		"gratuitous":   "ARP gratuitous: 192.0.2.10 is at 02:00:00:00:00:01",
		"vlan":         "VLAN 12 ARP who has 192.0.2.10? tell 192.0.2.5 at 02:00:00:00:00:01",
		"syn":          "TCP 192.0.2.5:40000 -> 192.0.2.10:80 SYN, 0 bytes",
		"answer":       "TCP 192.0.2.10:80 -> 192.0.2.5:40000 SYN ACK, 0 bytes",
		"syn6":         "TCP [2001:db8::5]:40000 -> [2001:db8::10]:80 SYN, 0 bytes",
		"fragment":     "fragment of IP protocol 6 192.0.2.5 -> 192.0.2.10, 4 bytes at 80",
		"dns":          "UDP 192.0.2.5:40000 -> 192.0.2.53:53, 2 bytes",
		"sync":         "UDP 192.0.2.5:40000 -> 224.0.0.81:8848, 2 bytes, IPVS connection synchronisation",
		"ping":         "ICMP 192.0.2.5 -> 192.0.2.10 echo request 3 of 7",
		"ping6":        "ICMP 2001:db8::5 -> 2001:db8::10 echo request 3 of 7",
		"unreachable":  "ICMP 192.0.2.10 -> 192.0.2.5 destination unreachable: port",
		"solicitation": "ICMP fe80::1 -> ff02::1:ff00:10 neighbor solicitation for 2001:db8::10",
		"advert":       "VRRP 192.0.2.2 -> 224.0.0.18 advert v3, router 51, priority 100, every 1000 ms, 2 VIPs",
		"advert2":      "VRRP 192.0.2.2 -> 224.0.0.18 advert v2, router 51, priority 0 (it leaves), 1 VIPs",
		"tunnel":       "IPIP 192.0.2.2 -> 10.0.0.11: TCP 192.0.2.5:40000 -> 192.0.2.10:80 SYN, 0 bytes",
		"lldp":         "ethertype 0x88cc 02:00:00:00:00:01 -> 02:00:00:00:00:02, 60 bytes",
		"empty":        "nothing known",
		"cut later":    "IP protocol 6 192.0.2.5 -> 192.0.2.10, 20 bytes",
		"cut":          "ethertype 0x0800 02:00:00:00:00:01 -> 02:00:00:00:00:02, 20 bytes",
	} {
		got := Summary(layers.LinkTypeEthernet, Packet{Time: at, Data: all[name], Length: len(all[name])})
		if got != "12:00:00.123456 in  "+want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := Summary(layers.LinkTypeRaw, Packet{Time: at, Data: all["syn6"][14:], Out: true}); got != "12:00:00.123456 out TCP [2001:db8::5]:40000 -> [2001:db8::10]:80 SYN, 0 bytes" {
		t.Errorf("in a tunnel: %s", got)
	}
}

func FuzzWhateverAPacketIsItHasOneLine(f *testing.F) {
	for _, b := range traffic(f) {
		f.Add(b, true)
		f.Add(b[14:], false)
	}
	f.Fuzz(func(t *testing.T, b []byte, isEthernet bool) {
		link := layers.LinkTypeRaw
		if isEthernet {
			link = layers.LinkTypeEthernet
		}
		text := Summary(link, Packet{Data: b, Length: len(b)})
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q has something that is no printable ASCII", text)
		}
	})
}
