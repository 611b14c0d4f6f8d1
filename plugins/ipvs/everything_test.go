package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// schedulersHere are those of Debian's kernel; twos came with Linux 5.12 and Debian does not build it.
var schedulersHere = slices.DeleteFunc(kernel.Schedulers(), func(s string) bool { return s == "twos" })

// everything is a table with one of each: schedulers, flags, protocols, families, forwarding methods, tunnels.
func everything() sdk.Table {
	var t sdk.Table
	v4 := func(last int) netip.Addr { return netip.AddrFrom4([4]byte{10, 99, 0, byte(last)}) }
	v6 := func(last int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:99::%x", last)) }
	servers := func(forward sdk.Forward, address func(int) netip.Addr, port uint16) []sdk.Destination {
		var list []sdk.Destination
		for i := range 3 {
			list = append(list, sdk.Destination{Address: address(100 + i), Port: port, Forward: forward, Weight: uint32(i)})
		}
		return list
	}
	for i, s := range schedulersHere {
		t.Services = append(t.Services,
			sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4(i + 1), Port: 80}, Scheduler: s, Destinations: servers(sdk.NAT, v4, 8080)},
			sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v6(i + 1), Port: 80, IPv6: true}, Scheduler: s, Destinations: servers(sdk.DR, v6, 80)},
			sdk.Service{Key: sdk.ServiceKey{Mark: uint32(i + 1), IPv6: i%2 == 0}, Scheduler: s})
	}
	for i, flags := range [][]string{{"sh-fallback"}, {"sh-port"}, {"sh-fallback", "sh-port"}, {"mh-fallback"}, {"mh-port"}, {"mh-fallback", "mh-port"}} {
		t.Services = append(t.Services, sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4(50 + i), Port: 443}, Scheduler: flags[0][:2], Flags: flags})
	}
	t.Services = append(t.Services,
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4(60), Port: 443}, Scheduler: "rr", Flags: []string{"flag-1", "flag-2", "flag-3"}},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.UDP, Address: v4(60), Port: 53}, Scheduler: "rr", OnePacket: true, Destinations: servers(sdk.TUN, v4, 53)},
		sdk.Service{Key: sdk.ServiceKey{Mark: 1<<31 - 1}, Scheduler: "rr", OnePacket: true},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.SCTP, Address: v4(60), Port: 99}, Scheduler: "wlc", Destinations: servers(sdk.FullNAT, v4, 99)},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4(61)}, Scheduler: "wrr", Persistence: sdk.Persistence{Timeout: 6 * time.Minute}},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4(61), Port: 1}, Scheduler: "wrr", Persistence: sdk.Persistence{Timeout: 50 * time.Second, Prefix: 20}},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v6(61), Port: 1, IPv6: true}, Scheduler: "wrr", Persistence: sdk.Persistence{Timeout: 50 * time.Second, Prefix: 56}},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.UDP, Address: v4(61), Port: 5060}, Scheduler: "rr", OnePacket: true, Persistence: sdk.Persistence{Timeout: time.Minute, Engine: "sip"}},
		sdk.Service{Key: sdk.ServiceKey{Mark: 77}, Scheduler: "wlc", Persistence: sdk.Persistence{Timeout: time.Minute, Prefix: 24}, Destinations: []sdk.Destination{
			{Address: v4(101), Forward: sdk.NAT, Weight: 1},
			{Address: v4(102), Forward: sdk.DR, Weight: 1, UpperThreshold: 100},
			{Address: v4(103), Forward: sdk.TUN, Weight: 1, UpperThreshold: 100, LowerThreshold: 10},
			{Address: netip.MustParseAddr("127.0.0.1"), Port: 80, Forward: sdk.NAT, Weight: 1<<31 - 1},
		}},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4(62), Port: 80}, Scheduler: "wrr", Destinations: []sdk.Destination{
			{Address: v4(101), Port: 80, Forward: sdk.TUN, Weight: 70000},
			{Address: v4(102), Port: 80, Forward: sdk.TUN, Weight: 1, Tunnel: sdk.Tunnel{Type: "ipip"}},
			{Address: v4(103), Port: 80, Forward: sdk.TUN, Weight: 1, Tunnel: sdk.Tunnel{Type: "gue", Port: 6080}},
			{Address: v4(104), Port: 80, Forward: sdk.TUN, Weight: 1, Tunnel: sdk.Tunnel{Type: "gue", Port: 6080, Checksum: "csum"}},
			{Address: v4(105), Port: 80, Forward: sdk.TUN, Weight: 1, Tunnel: sdk.Tunnel{Type: "gue", Port: 6080, Checksum: "remcsum"}},
			{Address: v4(106), Port: 80, Forward: sdk.TUN, Weight: 1, Tunnel: sdk.Tunnel{Type: "gre"}},
			{Address: v4(107), Port: 80, Forward: sdk.TUN, Weight: 1, Tunnel: sdk.Tunnel{Type: "gre", Checksum: "csum"}},
			{Address: v6(108), Port: 80, Forward: sdk.TUN, Weight: 1},
		}},
		sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v6(62), Port: 80, IPv6: true}, Scheduler: "wrr", Destinations: []sdk.Destination{
			{Address: v4(101), Port: 80, Forward: sdk.TUN, Weight: 1},
			{Address: netip.MustParseAddr("::1.2.3.4"), Port: 80, Forward: sdk.DR, Weight: 1},
		}},
	)
	t.Timeouts = sdk.Timeouts{TCP: 10 * time.Minute, UDP: time.Minute}
	return t
}
