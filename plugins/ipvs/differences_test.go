package ipvs

import (
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestEveryDifferenceIsSaidInALine(t *testing.T) {
	base := func() *table {
		s := web(server(5, 3))
		s.Destinations[0].Forward = sdk.TUN
		return tableOf(t, sdk.Table{Services: []sdk.Service{s}, Sync: []sdk.SyncDaemon{{Interface: "eth0", ID: 5}}})
	}
	key, _ := keyToKernel(webKey())
	theServer := kernel.DestinationKey{Address: addr("10.0.0.5"), Port: 80}
	dest := func(f func(*kernel.Destination)) func(*table) {
		return func(t *table) {
			d := t.services[key].destinations[theServer]
			f(&d)
			t.services[key].destinations[theServer] = d
		}
	}
	serviceOf := func(f func(*kernel.Service)) func(*table) {
		return func(t *table) { f(&t.services[key].Service) }
	}
	for want, change := range map[string]func(*table){
		"tcp 192.0.2.1:80: missing, with 1 real servers":                             func(t *table) { delete(t.services, key) },
		"tcp 192.0.2.1:80: scheduler rr, should be wrr":                              serviceOf(func(s *kernel.Service) { s.Scheduler = "rr" }),
		"tcp 192.0.2.1:80: flags flag-1,one-packet, should be none":                  serviceOf(func(s *kernel.Service) { s.Flags = kernel.Sched1 | kernel.OnePacket }),
		"tcp 192.0.2.1:80: persistence 60 s by /24, should be none":                  serviceOf(func(s *kernel.Service) { s.Flags, s.Timeout, s.Prefix = kernel.Persistent, 60, 24 }),
		"tcp 192.0.2.1:80: persistence 60 s by a netmask with holes, should be none": serviceOf(func(s *kernel.Service) { s.Flags, s.Timeout, s.Prefix = kernel.Persistent, 60, kernel.NoPrefix }),
		"tcp 192.0.2.1:80: persistence engine sip, should be none":                   serviceOf(func(s *kernel.Service) { s.Engine = "sip" }),
		"tcp 192.0.2.1:80 -> 10.0.0.5:80: missing":                                   func(t *table) { delete(t.services[key].destinations, theServer) },
		"tcp 192.0.2.1:80 -> 10.0.0.5:80: weight 0, should be 3":                     dest(func(d *kernel.Destination) { d.Weight = 0 }),
		"tcp 192.0.2.1:80 -> 10.0.0.5:80: forward nat, should be tun":                dest(func(d *kernel.Destination) { d.Forward = kernel.ForwardMasq }),
		"tcp 192.0.2.1:80 -> 10.0.0.5:80: upper threshold 7, should be 0":            dest(func(d *kernel.Destination) { d.Upper = 7 }),
		"tcp 192.0.2.1:80 -> 10.0.0.5:80: lower threshold 7, should be 0":            dest(func(d *kernel.Destination) { d.Lower = 7 }),
		"tcp 192.0.2.1:80 -> 10.0.0.5:80: tunnel gue port 6080 csum, should be ipip": dest(func(d *kernel.Destination) { d.Tunnel = kernel.Tunnel{Type: 1, Port: 6080, Flags: 1} }),
		"sync daemon (master): does not run":                                         func(t *table) { clear(t.daemons) },
		"sync daemon (backup): should not run":                                       func(t *table) { t.daemons[true] = kernel.Daemon{Backup: true, Interface: "eth0"} },
		"time-outs (tcp tcpfin udp): 0 0 0 s, should be 0 60 0 s":                    nil,
		"sync daemon (master): eth0 id 6 group 224.0.0.81 port 8848 ttl 1, should be eth0 id 5 group 224.0.0.81 port 8848 ttl 1": func(t *table) {
			d := t.daemons[false]
			d.ID = 6
			t.daemons[false] = d
		},
	} {
		is, should := base(), base()
		if change == nil {
			should.timeouts.TCPFin = 60
		} else {
			change(is)
		}
		if got := differences(is, should, nil); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
		// What makes a line makes a write, and nothing else does.
		if p := planOf(is, should, nil, nil); len(p) == 0 {
			t.Errorf("%s: and nothing would be written", want)
		}
	}
	if got := differences(base(), base(), nil); len(got) > 0 {
		t.Errorf("equal tables differ: %q", got)
	}
}
