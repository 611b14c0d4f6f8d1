package kernel

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// do carries out one operation.
func do(t *testing.T, m *Memory, o Op) error {
	t.Helper()
	refused, err := m.Do([]Op{o})
	if err != nil {
		t.Fatal(err)
	}
	return refused[0]
}

// The same is asked of the real kernel in a virtual machine.
func TestMemoryRefusesWhatTheKernelRefuses(t *testing.T) {
	m := NewMemory()
	m.Schedulers, m.Interfaces = []string{"wrr"}, []string{"eth0", "eth1"}
	s := someService()
	with := func(f func(*Destination)) Op {
		d := someDestination()
		f(&d)
		return Op{Command: NewDestination, Service: s, Destination: d}
	}
	six := Destination{DestinationKey: DestinationKey{Address: netip.MustParseAddr("2001:db8::9"), Port: 80}, Forward: ForwardTunnel}
	sixNAT := six
	sixNAT.Forward = ForwardMasq
	other := s
	other.Scheduler = "nosuch"
	long := s
	long.Family, long.Address, long.Prefix = unix.AF_INET6, netip.MustParseAddr("2001:db8::1"), 129
	elsewhere := s
	elsewhere.Port = 81
	for _, step := range []struct {
		what string
		op   Op
		want error
	}{
		{"a real server without its service", with(func(*Destination) {}), unix.ESRCH},
		{"a change of no service", Op{Command: SetService, Service: s}, unix.ESRCH},
		{"the end of no service", Op{Command: DelService, Service: s}, unix.ESRCH},
		{"a scheduler that there is not", Op{Command: NewService, Service: other}, unix.ENOENT},
		{"a netmask of 129 bits", Op{Command: NewService, Service: long}, unix.EINVAL},
		{"a service", Op{Command: NewService, Service: s}, nil},
		{"the same again", Op{Command: NewService, Service: s}, unix.EEXIST},
		{"a change to a scheduler that there is not", Op{Command: SetService, Service: other}, unix.ENOENT},
		{"a change of no real server", Op{Command: SetDestination, Service: s, Destination: someDestination()}, unix.ENOENT},
		{"the end of no real server", Op{Command: DelDestination, Service: s, Destination: someDestination()}, unix.ENOENT},
		{"a real server", with(func(*Destination) {}), nil},
		{"the same real server again", with(func(*Destination) {}), unix.EEXIST},
		{"the same at another port", with(func(d *Destination) { d.Port++ }), nil},
		{"a weight of 2^31", with(func(d *Destination) { d.Port = 1; d.Weight = 1 << 31 }), unix.ERANGE},
		{"lower above upper", with(func(d *Destination) { d.Port = 1; d.Upper, d.Lower = 1, 2 }), unix.ERANGE},
		{"a group's address", with(func(d *Destination) { d.Address = netip.MustParseAddr("224.0.0.1") }), unix.EINVAL},
		{"gue without a port", with(func(d *Destination) { d.Port = 1; d.Forward = ForwardTunnel; d.Tunnel.Type = TunnelGUE }), unix.EINVAL},
		{"the other family by nat", Op{Command: NewDestination, Service: s, Destination: sixNAT}, unix.EINVAL},
		{"the other family by tunnel", Op{Command: NewDestination, Service: s, Destination: six}, nil},
		{"a sync daemon beside it", Op{Command: NewDaemon, Daemon: Daemon{Interface: "eth0"}}, unix.EINVAL},
		{"the end of it", Op{Command: DelDestination, Service: s, Destination: six}, nil},
		{"a sync daemon", Op{Command: NewDaemon, Daemon: Daemon{Interface: "eth0"}}, nil},
		{"another of the same side", Op{Command: NewDaemon, Daemon: Daemon{Interface: "eth1"}}, unix.EEXIST},
		{"one on no interface", Op{Command: NewDaemon, Daemon: Daemon{Backup: true, Interface: "eth9"}}, unix.ENODEV},
		{"the other family beside a sync daemon", Op{Command: NewDestination, Service: s, Destination: six}, unix.EINVAL},
		{"the end of the daemon", Op{Command: DelDaemon}, nil},
		{"the end of no daemon", Op{Command: DelDaemon}, unix.ESRCH},
		{"zero of no service", Op{Command: Zero, Service: elsewhere}, unix.ESRCH},
		{"zero of all", Op{Command: Zero}, nil},
		{"the end of the service, with its real servers", Op{Command: DelService, Service: s}, nil},
		{"time-outs beyond what jiffies count", Op{Command: SetConfig, Timeouts: Timeouts{TCP: 1 << 31}}, unix.EINVAL},
	} {
		if err := do(t, m, step.op); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("%s: got %v, want %v", step.what, err, step.want)
		}
	}
}

func TestATimeoutOfZeroStaysAsItIs(t *testing.T) {
	m := NewMemory()
	if err := do(t, m, Op{Command: SetConfig, Timeouts: Timeouts{UDP: 60}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Timeouts(); got != (Timeouts{TCP: 900, TCPFin: 120, UDP: 60}) {
		t.Errorf("got %+v", got)
	}
}

func TestACopyIsATableOfItsOwn(t *testing.T) {
	m := NewMemory()
	m.Do([]Op{{Command: NewService, Service: someService()}, {Command: NewDestination, Service: someService(), Destination: someDestination()}, {Command: NewDaemon, Daemon: Daemon{Interface: "eth0"}}})
	c, err := Copy(m)
	if err != nil {
		t.Fatal(err)
	}
	c.Do([]Op{{Command: Flush}, {Command: DelDaemon}})
	if list, _ := m.Destinations(someService().ServiceKey); len(list) != 1 {
		t.Error("flushing the copy flushed the original")
	}
	if list, _ := m.Daemons(); len(list) != 1 {
		t.Error("the original's daemon is gone")
	}
}
