package conflict

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/evenkeel/evenkeel/plugins/vrrp/announce"
)

func passes(t *testing.T, program []bpf.Instruction, frame []byte) bool {
	t.Helper()
	machine, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	n, err := machine.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func list(addresses ...string) (l []netip.Addr) {
	for _, a := range addresses {
		l = append(l, netip.MustParseAddr(a))
	}
	return l
}

func TestTheFiltersPassOnlyClaimsToOurAddressesByOthers(t *testing.T) {
	me, other := [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 1, 1}
	held := list("192.0.2.1", "192.0.2.200", "2001:db8::1", "2001:db8::ff01", "2001:db8:1::1")
	arp := arpFilter(held[:2], [][6]byte{{2, 9, 9, 9, 9, 9}, me})
	neighbour := neighbourFilter(held[2:], [][6]byte{{2, 9, 9, 9, 9, 9}, me})
	try := func(hardware [6]byte, address string, want bool) {
		t.Helper()
		frames, err := announce.Frames(hardware, netip.MustParseAddr(address), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			program := arp
			if len(frames) == 1 {
				program = neighbour
			}
			if got := passes(t, program, f); got != want {
				t.Errorf("%s by %x passes is %v, want %v", address, hardware, got, want)
			}
		}
	}
	for _, a := range held {
		try(other, a.String(), true)
		try(me, a.String(), false)
	}
	for _, a := range []string{"192.0.2.2", "2001:db8::2", "2001:db8:1::2", "2001:db9::1", "::1:0:0:1"} {
		try(other, a, false)
	}
}

func TestOtherIPv6TrafficDoesNotPass(t *testing.T) {
	frames, err := announce.Frames([6]byte{2}, netip.MustParseAddr("2001:db8::1"), false)
	if err != nil {
		t.Fatal(err)
	}
	program := neighbourFilter(list("2001:db8::1"), nil)
	for what, spoil := range map[string]func([]byte){
		"UDP":            func(f []byte) { f[20] = 17 },
		"a solicitation": func(f []byte) { f[54] = 135 },
	} {
		f := bytes.Clone(frames[0])
		spoil(f)
		if !passes(t, program, frames[0]) || passes(t, program, f) {
			t.Errorf("%s passes as an advertisement does", what)
		}
	}
}

func FuzzNoFrameIsMisread(f *testing.F) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		frames, err := announce.Frames([6]byte{2, 0, 0, 0, 0, 2}, netip.MustParseAddr(a), true)
		if err != nil {
			f.Fatal(err)
		}
		for _, frame := range frames {
			f.Add(frame)
		}
	}
	l := &Listener{held: map[key]Held{}}
	for _, a := range list("192.0.2.1", "2001:db8::1") {
		l.held[key{1, a}] = Held{Interface: "eth0", Index: 1, Address: a, Hardware: [6]byte{2}}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		c, ok := l.conflict(1, frame)
		if ok && (c.Hardware == [6]byte{2} || c.Address != netip.MustParseAddr("192.0.2.1") && c.Address != netip.MustParseAddr("2001:db8::1")) {
			t.Errorf("%x is a conflict: %v", frame, c)
		}
	})
}
