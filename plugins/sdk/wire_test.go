package sdk

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// travels checks that random values of a type arrive as they were sent.
func travels[T any, M any, PM interface {
	*M
	proto.Message
}](t *testing.T, out func(T) PM, in func(PM) (T, error), change ...func(*T)) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		sent := random[T](r)
		for _, f := range change {
			f(&sent)
		}
		b, err := proto.Marshal(out(sent))
		if err != nil {
			t.Fatalf("%T: %v", sent, err)
		}
		m := PM(new(M))
		if err := proto.Unmarshal(b, m); err != nil {
			t.Fatalf("%T: %v", sent, err)
		}
		got, err := in(m)
		if err != nil {
			t.Fatalf("%T %+v: %v", sent, sent, err)
		}
		if d := cmp.Diff(sent, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
			cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Fatalf("%T arrives otherwise:\n%s", sent, d)
		}
	}
	// The zero value means that nothing was said; it must not be an accident.
	if _, err := in(nil); err != nil && !strings.HasPrefix(err.Error(), "reading") && !strings.Contains(err.Error(), ": reading") {
		t.Errorf("no message at all: %v", err)
	}
}

func TestEverythingArrivesAsItWasSent(t *testing.T) {
	travels(t, targetOut, targetIn)
	travels(t, targetUpdateOut, targetUpdateIn)
	travels(t, verdictOut, verdictIn)
	travels(t, summaryOut, summaryIn)
	travels(t, serviceOut, serviceIn)
	travels(t, destinationUpdateOut, destinationUpdateIn)
	travels(t, destinationKeyOut, destinationKeyIn)
	travels(t, applyResultOut, applyResultIn)
	travels(t, syncDaemonOut, syncDaemonIn)
	travels(t, timeoutsOut, timeoutsIn)
	travels(t, balancerReportOut, balancerReportIn)
	travels(t, instanceOut, instanceIn)
	travels(t, vrrpReportOut, vrrpReportIn)
	travels(t, vrrpStatusOut, vrrpStatusIn)
	travels(t, transitionOut, transitionIn)
	travels(t, deliveryOut, deliveryIn)
	travels(t, provisioningOut, provisioningIn)
	travels(t, provisionReportOut, provisionReportIn)
	travels(t, diagnosticOut, func(m *pluginv1.Diagnostic) (Diagnostic, error) { return diagnosticIn(m), nil })
	travels(t, tableUpdateOut, tableUpdateIn, func(u *TableUpdate) {
		if !u.Full { // what belongs to the whole travels with the whole
			u.Table.Timeouts, u.Table.Sync = Timeouts{}, nil
		}
	})
}

func TestATableArrivesInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sent := random[Observed](r)
	sent.Services = nil
	for range 300 {
		s := random[ObservedService](r)
		s.Service.Destinations, s.Destinations = nil, nil
		for range 50 {
			s.Destinations = append(s.Destinations, random[ObservedDestination](r))
		}
		sent.Services = append(sent.Services, s)
	}
	messages := observedOut(sent)
	if len(messages) < 3 {
		t.Fatalf("15000 real servers are %d messages", len(messages))
	}
	var got Observed
	for i, m := range messages {
		if n := proto.Size(m); n > 4<<20 {
			t.Errorf("message %d has %d bytes", i, n)
		}
		if err := observedIn(&got, i == 0, m); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(sent, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("it arrives otherwise:\n%s", d)
	}
}

func TestASnapshotArrivesInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	sent := CheckReport{Generation: 9, Snapshot: true}
	for range 3*reportBatch + 1 {
		v := random[Verdict](r)
		v.Reason = strings.Repeat("r", maxText)
		sent.Verdicts = append(sent.Verdicts, v)
	}
	for range reportBatch + 1 {
		sent.Summaries = append(sent.Summaries, random[Summary](r))
	}
	messages := checkReportOut(sent)
	var got CheckReport
	for i, m := range messages {
		if n := proto.Size(m); n > 8<<20 {
			t.Errorf("message %d has %d bytes", i, n)
		}
		if m.More != (i < len(messages)-1) {
			t.Errorf("message %d of %d says more=%t", i, len(messages), m.More)
		}
		if err := checkReportIn(&got, m); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(sent, got); d != "" {
		t.Errorf("it arrives otherwise:\n%.1000s", d)
	}
	if n := len(checkReportOut(CheckReport{Snapshot: true})); n != 1 {
		t.Errorf("an empty snapshot is %d messages", n)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	key := &pluginv1.ServiceKey{Protocol: "tcp", Address: "192.0.2.1", Port: 80}
	schedule := func(d *durationpb.Duration) error {
		_, err := targetIn(&pluginv1.Target{Id: "x", Schedule: &pluginv1.Schedule{Interval: d}})
		return err
	}
	for name, err := range map[string]error{
		"a target without an id":     second(targetIn(&pluginv1.Target{})),
		"a bad address":              second(targetIn(&pluginv1.Target{Id: "x", Address: "192.0.2.300"})),
		"a host name":                second(targetIn(&pluginv1.Target{Id: "x", Address: "www.example.com"})),
		"a port of 17 bits":          second(targetIn(&pluginv1.Target{Id: "x", Port: 65536})),
		"a state that is none":       second(targetIn(&pluginv1.Target{Id: "x", Initial: 7})),
		"a huge fall":                second(targetIn(&pluginv1.Target{Id: "x", Schedule: &pluginv1.Schedule{Fall: math.MaxUint32}})),
		"a negative interval":        schedule(&durationpb.Duration{Seconds: -1}),
		"an interval of ages":        schedule(&durationpb.Duration{Seconds: 300 * 365 * 86400}),
		"an interval with two signs": schedule(&durationpb.Duration{Seconds: 1, Nanos: -1}),
		"a time before time":         second(verdictIn(&pluginv1.Verdict{Since: &timestamppb.Timestamp{Seconds: math.MinInt64}})),
		"a service of nothing":       second(serviceIn(&pluginv1.Service{})),
		"an unknown protocol":        second(serviceKeyIn(&pluginv1.ServiceKey{Protocol: "icmp", Address: "192.0.2.1"})),
		"a prefix of 129 bits":       second(serviceIn(&pluginv1.Service{Key: key, PersistencePrefix: 129})),
		"a match on a bad port":      second(serviceIn(&pluginv1.Service{Key: key, Match: []*pluginv1.Match{{Ports: []*pluginv1.PortRange{{Last: 1 << 16}}}}})),
		"a server of no address":     second(destinationIn(&pluginv1.Destination{Forward: "nat"})),
		"an unknown forward":         second(destinationIn(&pluginv1.Destination{Address: "192.0.2.1", Forward: "teleport"})),
		"a sync id of 9 bits":        second(syncDaemonIn(&pluginv1.SyncDaemon{Id: 256})),
		"a virtual router 256":       second(instanceIn(&pluginv1.VRRPInstance{VirtualRouterId: 256})),
		"an empty peer":              second(instanceIn(&pluginv1.VRRPInstance{UnicastPeers: []string{""}})),
		"a VIP without a prefix":     second(instanceIn(&pluginv1.VRRPInstance{Addresses: []*pluginv1.VirtualAddress{{Prefix: "192.0.2.1"}}})),
		"a route to nowhere":         second(instanceIn(&pluginv1.VRRPInstance{Routes: []*pluginv1.VirtualRoute{{Destination: "here"}}})),
		"a TTL of 256":               second(instanceIn(&pluginv1.VRRPInstance{UnicastTtl: &pluginv1.UnicastTTL{Max: 256}})),
		"an unknown vrrp state":      second(transitionIn(&pluginv1.VRRPTransition{To: "king"})),
		"a bad VIP":                  second(provisioningIn(&pluginv1.Provisioning{Vips: []string{"vip"}})),
	} {
		if err == nil {
			t.Errorf("%s is taken in", name)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: the message has %d bytes", name, len(err.Error()))
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhatServersAnswerIsMadeFitForTheWire(t *testing.T) {
	for in, want := range map[string]string{
		"fine":                          "fine",
		"bad \xff\xfe bytes":            "bad \uFFFD bytes",
		strings.Repeat("x", 1000):       strings.Repeat("x", maxText),
		strings.Repeat("x", 511) + "é":  strings.Repeat("x", 511),
		strings.Repeat("x", 509) + "😀!": strings.Repeat("x", 509),
	} {
		got := text(in)
		if got != want {
			t.Errorf("of %.40q comes %.40q, want %.40q", in, got, want)
		}
		if _, err := proto.Marshal(verdictOut(Verdict{Reason: in})); err != nil {
			t.Errorf("%.40q can't be sent: %v", in, err)
		}
	}
	if s := text(strings.Repeat("\xff", 2000)); !utf8.ValidString(s) {
		t.Errorf("not UTF-8: %q", s)
	}
}

func TestZeroTimesStayZero(t *testing.T) {
	if at, err := timeIn("t", timeOut(time.Time{})); err != nil || !at.IsZero() {
		t.Errorf("the zero time arrives as %v, %v", at, err)
	}
}

// FuzzMessages reads anything as each message, as if a plugin had sent it.
func FuzzMessages(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		b, err := proto.Marshal(tableUpdateOut(random[TableUpdate](r)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		b, _ = proto.Marshal(targetUpdateOut(random[TargetUpdate](r)))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		read(b, targetUpdateIn)
		read(b, tableUpdateIn)
		read(b, applyResultIn)
		read(b, balancerReportIn)
		read(b, instanceIn)
		read(b, vrrpReportIn)
		read(b, vrrpStatusIn)
		read(b, transitionIn)
		read(b, deliveryIn)
		read(b, provisioningIn)
		read(b, provisionReportIn)
		read(b, func(m *pluginv1.CheckServiceWatchResponse) (r CheckReport, err error) { return r, checkReportIn(&r, m) })
		read(b, func(m *pluginv1.BalancerServiceReadResponse) (o Observed, err error) {
			return o, observedIn(&o, true, m)
		})
		read(b, func(m *pluginv1.DescribeResponse) (Info, error) {
			i, err := infoIn(m)
			if err == nil {
				err = i.Check()
			}
			return i, err
		})
	})
}

func read[T any, M any, PM interface {
	*M
	proto.Message
}](b []byte, in func(PM) (T, error)) {
	m := PM(new(M))
	if proto.Unmarshal(b, m) == nil {
		in(m)
	}
}
