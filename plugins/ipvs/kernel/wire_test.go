package kernel

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func someService() Service {
	return Service{
		ServiceKey: ServiceKey{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Address: netip.MustParseAddr("192.0.2.1"), Port: 80},
		Scheduler:  "wrr", Prefix: 32,
	}
}

func markService() Service {
	return Service{
		ServiceKey: ServiceKey{Family: unix.AF_INET6, Mark: 99},
		Scheduler:  "sh", Flags: Persistent | Sched1, Timeout: 300, Prefix: 64, Engine: "sip",
	}
}

func someDestination() Destination {
	return Destination{
		DestinationKey: DestinationKey{Address: netip.MustParseAddr("10.0.0.5"), Port: 8080},
		Forward:        ForwardMasq, Weight: 70000, Upper: 5000, Lower: 4000,
	}
}

func tunnelDestination() Destination {
	return Destination{
		DestinationKey: DestinationKey{Address: netip.MustParseAddr("2001:db8::5"), Port: 80},
		Forward:        ForwardTunnel, Weight: 1, Tunnel: Tunnel{Type: TunnelGUE, Port: 6080, Flags: TunnelRemoteChecksum},
	}
}

func someDaemon() Daemon {
	return Daemon{Backup: true, Interface: "eth1", ID: 51, Group: netip.MustParseAddr("224.0.0.82"), Port: 8849, TTL: 2, MaxLength: 1400}
}

// The bytes in testdata are those of a little-endian machine, an attribute a line; what is behind a # is for people.
func TestMessagesAreTheBytesThatTheKernelExpects(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("testdata is of a little-endian machine")
	}
	s, m, d, tun := someService(), markService(), someDestination(), tunnelDestination()
	for name, o := range map[string]Op{
		"new_service":         {Command: NewService, Service: s},
		"set_service_mark6":   {Command: SetService, Service: m},
		"del_service":         {Command: DelService, Service: s},
		"new_dest":            {Command: NewDestination, Service: s, Destination: d},
		"set_dest_gue6":       {Command: SetDestination, Service: s, Destination: tun},
		"del_dest":            {Command: DelDestination, Service: s, Destination: d},
		"new_daemon":          {Command: NewDaemon, Daemon: someDaemon()},
		"new_daemon_defaults": {Command: NewDaemon, Daemon: Daemon{Interface: "eth0"}},
		"del_daemon":          {Command: DelDaemon, Daemon: someDaemon()},
		"set_config":          {Command: SetConfig, Timeouts: Timeouts{TCP: 900, UDP: 300}},
		"zero":                {Command: Zero},
		"zero_service":        {Command: Zero, Service: s},
		"flush":               {Command: Flush},
	} {
		t.Run(name, func(t *testing.T) {
			got := hex.EncodeToString(appendMessage(nil, o, 0x1c, 0x01020304, unix.NLM_F_ACK))
			if want := golden(t, name, got); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", o, got, want)
			}
		})
	}
}

func golden(t *testing.T, name, got string) string {
	t.Helper()
	path := filepath.Join("testdata", "messages", name+".hex")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	return digits.String()
}

// The kernel says a service in the attributes in which it is told one.
func TestWhatIsWrittenIsReadBackTheSame(t *testing.T) {
	six := someService()
	six.Address, six.Family, six.Prefix = netip.MustParseAddr("2001:db8::1"), unix.AF_INET6, 56
	coarse := someService()
	coarse.Prefix, coarse.Flags = 20, Persistent
	for _, s := range []Service{someService(), markService(), six, coarse} {
		got, err := parseService(appendService(nil, s))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, got.Service, cmp.Comparer(sameAddr)); d != "" {
			t.Errorf("service, -want +got:\n%s", d)
		}
	}
	for _, d := range []Destination{someDestination(), tunnelDestination()} {
		got, err := parseDestination(appendDestination(nil, d), unix.AF_INET)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(d, got.Destination, cmp.Comparer(sameAddr)); d != "" {
			t.Errorf("destination, -want +got:\n%s", d)
		}
	}
	got, err := parseDaemon(appendDaemon(nil, someDaemon(), true))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(someDaemon(), got, cmp.Comparer(sameAddr)); d != "" {
		t.Errorf("daemon, -want +got:\n%s", d)
	}
}

func TestOfABatchOnlyTheLastIsAcknowledged(t *testing.T) {
	batch := []Op{
		{Command: NewService, Service: someService()},
		{Command: NewDestination, Service: someService(), Destination: someDestination()},
		{Command: DelService, Service: someService()},
	}
	b := appendBatch(nil, batch, 0x1c, ^uint32(0))
	var sequence []uint32
	var acknowledged []bool
	if _, err := eachMessage(b, func(h header, seq uint32, payload []byte) (bool, error) {
		if h.typ != 0x1c || h.flags&unix.NLM_F_REQUEST == 0 || Command(payload[0]) != batch[len(sequence)].Command {
			t.Errorf("message %d: type %#x, flags %#x, command %d", len(sequence), h.typ, h.flags, payload[0])
		}
		sequence = append(sequence, seq)
		acknowledged = append(acknowledged, h.flags&unix.NLM_F_ACK != 0)
		return false, nil
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]uint32{^uint32(0), 0, 1}, sequence); d != "" {
		t.Errorf("sequence numbers, -want +got:\n%s", d)
	}
	if d := cmp.Diff([]bool{false, false, true}, acknowledged); d != "" {
		t.Errorf("acknowledged, -want +got:\n%s", d)
	}
}

func sameAddr(a, b netip.Addr) bool { return a == b }

func TestCountersOf64BitsWinOverThoseOf32(t *testing.T) {
	stats := func(typ uint16, each func([]byte, uint16) []byte) []byte {
		b := openNest(nil, typ)
		for i := uint16(1); i <= 10; i++ {
			b = each(b, i)
		}
		return closeNest(b, 0)
	}
	narrow := stats(svcStats, func(b []byte, i uint16) []byte { return appendU32(b, i, uint32(i)) })
	wide := stats(svcStats64, func(b []byte, i uint16) []byte {
		return appendAttr(b, i, binary.NativeEndian.AppendUint64(nil, 1<<40+uint64(i)))
	})
	key := appendKeyAttrs(nil, someService().ServiceKey)
	for _, order := range [][][]byte{{key, narrow, wide}, {key, wide, narrow}} {
		b := openNest(nil, cmdService)
		for _, part := range order {
			b = append(b, part...)
		}
		got, err := parseService(closeNest(b, 0))
		if err != nil {
			t.Fatal(err)
		}
		const base = 1 << 40
		want := Stats{base + 1, base + 2, base + 3, base + 4, base + 5, base + 6, base + 7, base + 8, base + 9, base + 10}
		if got.Stats != want {
			t.Errorf("got %+v", got.Stats)
		}
	}
}

func TestTheHashedFlagIsTheKernelsOwn(t *testing.T) {
	s := someService()
	s.Flags = Persistent | hashed
	got, err := parseService(appendService(nil, s))
	if err != nil || got.Flags != Persistent {
		t.Errorf("got flags %#x, %v, want %#x", got.Flags, err, Persistent)
	}
}

// A real server that was behind a tunnel keeps the tunnel's attributes in the kernel.
func TestATunnelMeansNothingWithoutTheMethod(t *testing.T) {
	b := appendDestination(nil, tunnelDestination())
	at := bytes.Index(b, []byte{8, 0, destForward, 0}) + attrHeader
	binary.NativeEndian.PutUint32(b[at:], uint32(ForwardMasq))
	got, err := parseDestination(b, unix.AF_INET6)
	if err != nil || got.Forward != ForwardMasq || got.Tunnel != (Tunnel{}) {
		t.Errorf("got %+v, %v", got.Destination, err)
	}
}

func TestNetmasks(t *testing.T) {
	for bits := range 33 {
		s := someService()
		s.Prefix = uint8(bits)
		if got := prefix(unix.AF_INET, netmask(s)); got != s.Prefix {
			t.Errorf("/%d came back as /%d", bits, got)
		}
	}
	holes := binary.NativeEndian.Uint32([]byte{255, 0, 255, 0})
	if got := prefix(unix.AF_INET, holes); got != NoPrefix {
		t.Errorf("255.0.255.0 read as /%d", got)
	}
}

// An answer of the kernel is trusted in nothing: no bytes make the parser panic, and what it accepts it can write again.
func FuzzParse(f *testing.F) {
	f.Add(appendService(nil, someService()))
	f.Add(appendService(nil, markService()))
	f.Add(appendDestination(nil, tunnelDestination()))
	f.Add(appendDaemon(nil, someDaemon(), true))
	f.Add(appendMessage(nil, Op{Command: NewDestination, Service: someService(), Destination: someDestination()}, 0x1c, 1, 0))
	f.Add([]byte{4, 0, 1, 0x80, 3, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseService(b); err == nil && s.Prefix != NoPrefix && (s.Family == unix.AF_INET || s.Family == unix.AF_INET6) {
			again, err := parseService(appendService(nil, s.Service))
			if err != nil || again.Service != s.Service {
				t.Errorf("%+v became %+v, %v", s.Service, again.Service, err)
			}
		}
		if d, err := parseDestination(b, unix.AF_INET); err == nil {
			again, err := parseDestination(appendDestination(nil, d.Destination), unix.AF_INET)
			if err != nil || again.Destination != d.Destination {
				t.Errorf("%+v became %+v, %v", d.Destination, again.Destination, err)
			}
		}
		parseDaemon(b)
		parseTimeouts(b)
		parseInfo(b)
		eachMessage(b, func(_ header, _ uint32, payload []byte) (bool, error) {
			wellFormed(payload)
			return false, nil
		})
	})
}
