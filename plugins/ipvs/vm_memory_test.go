package ipvs

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
)

// The dry run and the tests of ring 1 rely on Memory to refuse what the kernel refuses, with the same number.
func TestVMMemoryAnswersAsTheKernelDoes(t *testing.T) {
	k := realKernel(t)
	m := kernel.NewMemory()
	m.Schedulers, m.Engines, m.Interfaces = schedulersHere, []string{"sip"}, []string{"dummy0", "lo"}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 40 {
		var list []kernel.Op
		for range 50 {
			list = append(list, randomOp(r))
		}
		want, err := k.Do(list)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := m.Do(list)
		for i := range list {
			if want[i] != got[i] {
				t.Fatalf("round %d: %s\n%+v\nkernel: %v\nmemory: %v", round, list[i], list[i], want[i], got[i])
			}
		}
		inKernel, err := readTable(k)
		if err != nil {
			t.Fatal(err)
		}
		inMemory, _ := readTable(m)
		if lines := differences(inKernel, inMemory, nil); len(lines) > 0 {
			t.Fatalf("round %d: the kernel's table is not as in memory:\n%s", round, strings.Join(lines, "\n"))
		}
	}
}

func randomOp(r *rand.Rand) kernel.Op {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	o := kernel.Op{Command: []kernel.Command{
		kernel.NewService, kernel.NewService, kernel.SetService, kernel.DelService, kernel.NewDestination, kernel.NewDestination, kernel.NewDestination,
		kernel.SetDestination, kernel.SetDestination, kernel.DelDestination, kernel.Zero,
	}[r.IntN(11)]}
	if n := r.IntN(60); n < 2 {
		o.Command = []kernel.Command{kernel.NewDaemon, kernel.DelDaemon}[n]
	} else if n == 2 {
		o.Command = kernel.SetConfig
	}
	address := netip.MustParseAddr(pick("10.99.0.1", "10.99.0.2", "2001:db8:99::1"))
	o.Service = kernel.Service{
		ServiceKey: kernel.ServiceKey{Family: kernel.FamilyOf(address), Protocol: unix.IPPROTO_TCP, Address: address, Port: uint16(80 + r.IntN(2))},
		Scheduler:  pick("rr", "wrr", "sh", "mh", "nosuch"),
		Flags:      kernel.Flags(r.Uint32()) & (kernel.Persistent | kernel.OnePacket | kernel.Sched1 | kernel.Sched2 | kernel.Sched3),
		Timeout:    r.Uint32N(1000),
		Engine:     pick("", "", "", "sip", "nosuch"),
	}
	o.Service.Prefix = uint8(r.IntN(int(o.Service.FullPrefix()) + 1))
	if r.IntN(6) == 0 {
		o.Service.ServiceKey = kernel.ServiceKey{Family: o.Service.Family, Mark: 1 + r.Uint32N(2)}
	}
	o.Destination = kernel.Destination{
		DestinationKey: kernel.DestinationKey{Address: netip.MustParseAddr(pick("10.99.0.3", "10.99.0.4", "2001:db8:99::3", "224.0.0.1", "fe80::77", "0.0.0.0", "255.255.255.255", "::ffff:10.99.0.3")), Port: 80},
		Forward:        kernel.Forward([]int{0, 2, 3}[r.IntN(3)]),
		Weight:         []uint32{0, 1, 70000, 1<<31 - 1, 1 << 31}[r.IntN(5)],
		Upper:          r.Uint32N(3), Lower: r.Uint32N(3),
		Tunnel: kernel.Tunnel{Type: uint8(r.IntN(3)), Port: uint16(r.IntN(2) * 6080), Flags: uint16(r.IntN(3))},
	}
	o.Daemon = kernel.Daemon{Backup: r.IntN(2) == 0, Interface: pick("dummy0", "nosuch0"), ID: uint8(r.IntN(256)), MaxLength: uint16(r.IntN(2) * r.IntN(1470))}
	o.Timeouts = kernel.Timeouts{TCP: r.Uint32N(2000), TCPFin: r.Uint32N(2000), UDP: r.Uint32N(2000)}
	return o
}
