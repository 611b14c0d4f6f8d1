package kernel

import (
	"errors"
	"testing"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// control returns a connection that speaks to the controller of generic netlink instead of IPVS. Every kernel has one, and
// it refuses what is meant for IPVS.
func control(t *testing.T) *Netlink {
	t.Helper()
	conn, err := genetlink.Dial(&netlink.Config{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n := &Netlink{conn: conn, raw: raw, in: make([]byte, 64<<10), family: unix.GENL_ID_CTRL, seq: ^uint32(0) - 100}
	if err := conn.SetOption(netlink.CapAcknowledge, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestRefusalsInABatchAreMatchedByTheirSequenceNumbers(t *testing.T) {
	n := control(t)
	// The controller has no NEW command (1), and its GETFAMILY (3) finds no such family.
	want := map[Command]error{NewService: unix.EOPNOTSUPP, DelService: unix.ENOENT}
	var ops []Op
	for i := range 1000 { // the sequence numbers wrap on the way
		c := NewService
		if i%7 == 3 {
			c = DelService
		}
		ops = append(ops, Op{Command: c, Service: someService(), Destination: Destination{}})
	}
	got, err := n.Do(ops)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range ops {
		if !errors.Is(got[i], want[o.Command]) {
			t.Fatalf("message %d of %d: got %v, want %v", i, len(ops), got[i], want[o.Command])
		}
	}
	if want := (len(ops) + BatchSize - 1) / BatchSize; n.sent != want {
		t.Errorf("%d datagrams for %d messages, want %d", n.sent, len(ops), want)
	}
}

func TestARequestAfterAFailedOneGetsItsOwnAnswer(t *testing.T) {
	n := control(t)
	// The answer of an exchange that was given up is still there.
	n.out = appendMessage(nil, Op{Command: NewService, Service: someService()}, n.family, 7, unix.NLM_F_ACK)
	if err := n.send(n.out); err != nil {
		t.Fatal(err)
	}
	n.seq = 41
	got, err := n.Do([]Op{{Command: DelService, Service: someService()}})
	if err != nil || !errors.Is(got[0], unix.ENOENT) {
		t.Errorf("got %v, %v, want ENOENT for its own message", got, err)
	}
}

func TestAKernelWithoutIPVSIsAnErrorThatSaysWhatToDo(t *testing.T) {
	n := control(t)
	if _, err := n.conn.GetFamily(familyName); err == nil {
		t.Skip("this kernel has ip_vs")
	}
	asked := ""
	_, err := Open(func(module string) error { asked = module; return errors.New("no modprobe") })
	if !errors.Is(err, ErrNoIPVS) {
		t.Fatalf("got %v, want ErrNoIPVS", err)
	}
	if asked != "ip_vs" {
		t.Errorf("asked to load %q, want ip_vs", asked)
	}
	const want = "the kernel has no IPVS (genetlink family IPVS not found): load it with `modprobe ip_vs`, or install a kernel that has it (no modprobe)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if _, err := Open(func(string) error { return nil }); !errors.Is(err, ErrNoIPVS) {
		t.Errorf("with a modprobe that loads nothing: got %v, want ErrNoIPVS", err)
	}
}
