package gauge

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fake is a kernel's table: weights of the real servers by service. It counts the questions.
type fake struct {
	table map[string][]int
	asked int
	err   error
}

func (f *fake) servers(s netip.AddrPort) (int, error) {
	f.asked++
	return len(f.table[s.String()]), f.err
}

func (f *fake) weights(s netip.AddrPort, _ int) (map[netip.Addr]int, error) {
	weights := make(map[netip.Addr]int)
	for i, w := range f.table[s.String()] {
		weights[netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})] = w
	}
	return weights, f.err
}

func TestTableIsFullWhenEveryServiceHasItsServersInWhateverOrderTheyCome(t *testing.T) {
	k := &fake{table: map[string][]int{}}
	tab := table{first: netip.MustParseAddrPort("10.0.0.255:80"), services: 3, servers: 2, kernel: k}
	for _, step := range []struct {
		service string
		weights []int
		want    bool
	}{
		{"10.0.1.1:80", []int{1, 1}, false}, // the last one first
		{"10.0.0.255:80", []int{1, 1}, false},
		{"10.0.1.0:80", []int{1}, false},
		{"10.0.1.0:80", []int{1, 1}, true},
	} {
		k.table[step.service] = step.weights
		if got, err := tab.full(); err != nil || got != step.want {
			t.Errorf("after %s: full %v, %v, want %v", step.service, got, err, step.want)
		}
	}
	// 1 + 2 + 1 + 2: a service that was complete is not asked about again.
	if k.asked != 6 {
		t.Errorf("the kernel was asked %d times, want 6", k.asked)
	}
}

func TestErrorOfTheKernelEndsTheWait(t *testing.T) {
	k := &fake{err: errors.New("broken")}
	tab := table{first: netip.MustParseAddrPort("10.0.0.1:80"), services: 1, servers: 1, kernel: k}
	if _, err := tab.full(); err == nil {
		t.Error("full: no error")
	}
	if _, err := tab.hasWeight(1); err == nil {
		t.Error("hasWeight: no error")
	}
}

func TestOneRealServerWithTheWeightIsEnough(t *testing.T) {
	k := &fake{table: map[string][]int{"10.0.0.1:80": {1, 7, 1}}}
	tab := table{first: netip.MustParseAddrPort("10.0.0.1:80"), services: 1, servers: 3, kernel: k}
	for weight, want := range map[int]bool{7: true, 8: false} {
		if got, err := tab.hasWeight(weight); err != nil || got != want {
			t.Errorf("weight %d: %v, %v, want %v", weight, got, err, want)
		}
	}
}

// The structures of include/uapi/linux/ip_vs.h, on a 64-bit machine.
func TestQuestionAndAnswerHaveTheKernelsLayout(t *testing.T) {
	b := header(destsHeader+2*destEntry, netip.MustParseAddrPort("10.1.2.3:8080"))
	if d := cmp.Diff([]byte{6, 0, 0, 0, 10, 1, 2, 3, 0x1f, 0x90}, b[:10]); d != "" && binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		t.Error("the question:", d)
	}
	copy(b[24:], []byte{10, 0, 0, 1})
	binary.NativeEndian.PutUint32(b[24+12:], 7)
	got := parseWeights(b, 2) // it has a real server less than was asked for
	if len(got) != 1 || got[one] != 7 {
		t.Error("the answer:", got)
	}
}
