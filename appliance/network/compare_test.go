package network

import (
	"net/netip"
	"testing"
)

func TestAKernelWithoutMarksKeepsWhatMayBeAVirtualAddress(t *testing.T) {
	prefix := netip.MustParsePrefix
	names := map[int]string{2: "eth0"}
	have := []address{{Prefix: prefix("192.0.2.100/32"), Index: 2}, {Prefix: prefix("192.0.2.10/24"), Index: 2, Protocol: mark}}
	want := []assignment{{"eth0", prefix("192.0.2.11/24")}}
	for marks, removed := range map[bool]int{false: 1, true: 2} {
		if d := compare(want, have, names, nil, marks); len(d.add) != 1 || len(d.remove) != removed {
			t.Errorf("marks %v: %+v", marks, d)
		}
	}
}

func TestAnAddressOfAServerThatHasNotAnsweredYetStays(t *testing.T) {
	prefix := netip.MustParsePrefix
	have := []address{{Prefix: prefix("192.0.2.50/24"), Index: 2, Protocol: mark}, {Prefix: prefix("2001:db8::5/64"), Index: 2, Protocol: mark}}
	d := compare(nil, have, map[int]string{2: "eth0"}, map[string]bool{"eth0": true}, true)
	if len(d.remove) != 1 || d.remove[0].Prefix != have[1].Prefix {
		t.Errorf("%+v", d)
	}
}
