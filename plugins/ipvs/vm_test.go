package ipvs

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	moby "github.com/moby/ipvs"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The tests of this file take over the IPVS table of the running kernel, so they run only in a virtual machine made for
// them: in one that has ip_vs, ipvsadm as witness, an interface dummy0, and EVENKEEL_IN_VM in its environment.

// realKernel returns the running kernel's IPVS, empty.
func realKernel(t *testing.T) kernel.Kernel {
	t.Helper()
	if os.Getenv("EVENKEEL_IN_VM") == "" {
		t.Skip("takes over the kernel's IPVS table: runs in a virtual machine with ip_vs, where EVENKEEL_IN_VM is set")
	}
	k, err := kernel.Open(kernel.Modprobe)
	if err != nil {
		t.Fatal(err)
	}
	clean := func() {
		daemons, err := k.Daemons()
		if err != nil {
			t.Fatal(err)
		}
		ops := []kernel.Op{{Command: kernel.Flush}, {Command: kernel.SetConfig, Timeouts: kernel.Timeouts{TCP: 900, TCPFin: 120, UDP: 300}}}
		for _, d := range daemons {
			ops = append(ops, kernel.Op{Command: kernel.DelDaemon, Daemon: d})
		}
		if refused, err := k.Do(ops); err != nil || errors.Join(refused...) != nil {
			t.Fatal(refused, err)
		}
	}
	clean()
	t.Cleanup(func() { clean(); k.Close() })
	return k
}

func ipvsadm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ipvsadm", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ipvsadm %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestVMEveryKindOfServiceIsInTheKernelAsIpvsadmSavesIt(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	want := everything()
	apply(t, b, full(1, want))

	var saved bytes.Buffer
	if err := Save(want, &saved); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ipvsadm(t, "-S", "-n"), saved.String()); d != "" {
		t.Errorf("-ipvsadm +Save:\n%s", d)
	}

	// What Save writes with thresholds, ipvsadm makes the same table of.
	saved.Reset()
	if err := Save(want, &saved, WithThresholds()); err != nil {
		t.Fatal(err)
	}
	ipvsadm(t, "-C")
	restore := exec.Command("ipvsadm", "-R")
	restore.Stdin = &saved
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("ipvsadm -R: %v\n%s", err, out)
	}
	if r := apply(t, newBalancer(t, k), full(1, want)); r.Writes != 0 {
		t.Errorf("%d writes over what ipvsadm -R made, want 0", r.Writes)
	}
}

func TestVMARestartWithTheSameTableWritesNothing(t *testing.T) {
	k := realKernel(t)
	want := everything()
	apply(t, newBalancer(t, k), full(1, want))
	again := newBalancer(t, k)
	if r := apply(t, again, full(1, want)); r.Writes != 0 {
		t.Errorf("%d writes, want 0", r.Writes)
	}
	if r := apply(t, again, full(2, want)); r.Writes != 0 {
		t.Errorf("said again: %d writes, want 0", r.Writes)
	}
	again.repair()
	if found, _ := again.reports.take(); len(found) != 0 {
		t.Errorf("a look for drift found %v", found)
	}
}

func TestVMWhatIsReadIsWhatWasWanted(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	want := everything()
	apply(t, b, full(1, want))
	got, err := b.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "1.2.1" || got.Connections != 4096 {
		t.Errorf("version %q, %d buckets", got.Version, got.Connections)
	}
	if want := (sdk.Timeouts{TCP: 10 * time.Minute, TCPFin: 2 * time.Minute, UDP: time.Minute}); got.Timeouts != want {
		t.Errorf("time-outs %v, want %v", got.Timeouts, want)
	}
	byKey := make(map[sdk.ServiceKey]sdk.Service)
	for _, s := range got.Services {
		service := s.Service
		for _, d := range s.Destinations {
			service.Destinations = append(service.Destinations, d.Destination)
		}
		byKey[s.Key] = service
	}
	for _, w := range want.Services {
		for i, d := range w.Destinations {
			if d.Tunnel.Type == "ipip" {
				w.Destinations[i].Tunnel.Type = ""
			}
		}
		slices.SortFunc(w.Destinations, func(a, b sdk.Destination) int { return a.Address.Compare(b.Address) })
		if d := cmp.Diff(w, byKey[w.Key], cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s, -want +got:\n%s", w.Key, d)
		}
	}
}

func TestVMMobysLibraryReadsWhatIsWrittenAndTheOtherWayRound(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	service := sdk.Service{
		Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.MustParseAddr("10.99.0.1"), Port: 80}, Scheduler: moby.WeightedRoundRobin,
		Persistence:  sdk.Persistence{Timeout: time.Minute},
		Destinations: []sdk.Destination{{Address: netip.MustParseAddr("10.99.0.9"), Port: 8080, Forward: sdk.NAT, Weight: 5, UpperThreshold: 9, LowerThreshold: 3}},
	}
	apply(t, b, full(1, sdk.Table{Services: []sdk.Service{service}}))
	h, err := moby.New("")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	services, err := h.GetServices()
	if err != nil || len(services) != 1 {
		t.Fatalf("moby/ipvs reads %v, %v", services, err)
	}
	s := services[0]
	if s.Address.String() != "10.99.0.1" || s.Port != 80 || s.SchedName != "wrr" || s.Timeout != 60 || s.Flags&1 == 0 {
		t.Errorf("moby/ipvs reads %+v", s)
	}
	destinations, err := h.GetDestinations(s)
	if err != nil || len(destinations) != 1 {
		t.Fatalf("moby/ipvs reads %v, %v", destinations, err)
	}
	if d := destinations[0]; d.Address.String() != "10.99.0.9" || d.Port != 8080 || d.Weight != 5 || d.UpperThreshold != 9 || d.LowerThreshold != 3 || d.ConnectionFlags != moby.ConnFwdMasq {
		t.Errorf("moby/ipvs reads %+v", d)
	}

	// And what it writes is adopted.
	if err := h.Flush(); err != nil {
		t.Fatal(err)
	}
	s.Netmask = ^uint32(0)
	if err := h.NewService(s); err != nil {
		t.Fatal(err)
	}
	if err := h.NewDestination(s, destinations[0]); err != nil {
		t.Fatal(err)
	}
	if r := apply(t, newBalancer(t, k), full(1, sdk.Table{Services: []sdk.Service{service}})); r.Writes != 0 {
		t.Errorf("%d writes over what moby/ipvs made, want 0", r.Writes)
	}
}

func TestVMDriftIsRepairedAndReported(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	v4 := netip.MustParseAddr
	apply(t, b, full(1, sdk.Table{Services: []sdk.Service{{
		Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4("10.99.0.1"), Port: 80}, Scheduler: "wrr",
		Destinations: []sdk.Destination{
			{Address: v4("10.99.0.5"), Port: 80, Forward: sdk.DR, Weight: 3},
			{Address: v4("10.99.0.6"), Port: 80, Forward: sdk.DR, Weight: 3},
		},
	}, {
		Key: sdk.ServiceKey{Mark: 9}, Scheduler: "rr",
	}}}))
	before := ipvsadm(t, "-Sn")
	ipvsadm(t, "-e", "-t", "10.99.0.1:80", "-r", "10.99.0.5:80", "-g", "-w", "0")
	ipvsadm(t, "-d", "-t", "10.99.0.1:80", "-r", "10.99.0.6:80")
	ipvsadm(t, "-a", "-t", "10.99.0.1:80", "-r", "10.99.0.7:80", "-m", "-w", "9")
	ipvsadm(t, "-E", "-t", "10.99.0.1:80", "-s", "rr", "-p", "60")
	ipvsadm(t, "-A", "-u", "10.99.0.1:53", "-s", "rr")
	ipvsadm(t, "-D", "-f", "9")
	ipvsadm(t, "--set", "100", "0", "0")
	b.repair()
	if d := cmp.Diff(before, ipvsadm(t, "-Sn")); d != "" {
		t.Errorf("not repaired, -want +got:\n%s", d)
	}
	found, _ := b.reports.take()
	if len(found) != 1 {
		t.Fatalf("reports: %v", found)
	}
	want := []string{
		"tcp 10.99.0.1:80: scheduler rr, should be wrr",
		"tcp 10.99.0.1:80: persistence 60 s by /32, should be none",
		"tcp 10.99.0.1:80 -> 10.99.0.5:80: weight 0, should be 3",
		"tcp 10.99.0.1:80 -> 10.99.0.6:80: missing",
		"tcp 10.99.0.1:80 -> 10.99.0.7:80: should not be there",
		"fwmark 9: missing, with 0 real servers",
		"udp 10.99.0.1:53: should not be there, with 0 real servers",
		"time-outs (tcp tcpfin udp): 100 120 300 s, should be 900 120 300 s",
	}
	if d := cmp.Diff(want, found[0].Drift); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestVMAnUpdateOverATableThatOthersChangedIsStillRight(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	service := sdk.Service{
		Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.MustParseAddr("10.99.0.1"), Port: 80}, Scheduler: "wrr",
		Destinations: []sdk.Destination{{Address: netip.MustParseAddr("10.99.0.5"), Port: 80, Forward: sdk.DR, Weight: 3}},
	}
	apply(t, b, full(1, sdk.Table{Services: []sdk.Service{service}}))
	ipvsadm(t, "-C")
	service.Destinations[0].Weight = 4
	apply(t, b, sdk.TableUpdate{Generation: 2, Base: 1, Changed: []sdk.DestinationUpdate{{Service: service.Key, Destination: service.Destinations[0]}}})
	if got, want := ipvsadm(t, "-Sn"), "-A -t 10.99.0.1:80 -s wrr\n-a -t 10.99.0.1:80 -r 10.99.0.5:80 -g -w 4\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestVMWhatTheKernelRefusesIsSaidInWordsAndTheRestIsThere(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	v4, v6 := netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("2001:db8:99::1")
	dest := func(a string, f sdk.Forward) sdk.Destination {
		return sdk.Destination{Address: netip.MustParseAddr(a), Port: 80, Forward: f, Weight: 1}
	}
	heavy, crossed, gue := dest("10.99.0.12", sdk.NAT), dest("10.99.0.13", sdk.NAT), dest("10.99.0.14", sdk.TUN)
	heavy.Weight = 1 << 31
	crossed.UpperThreshold, crossed.LowerThreshold = 3, 5
	gue.Tunnel.Type = "gue"
	r, err := b.Apply(t.Context(), full(1, sdk.Table{
		Services: []sdk.Service{
			{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4, Port: 80}, Scheduler: "nosuch", Destinations: []sdk.Destination{dest("10.99.0.9", sdk.NAT)}},
			{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v4, Port: 81}, Scheduler: "rr", Destinations: []sdk.Destination{
				dest("10.99.0.9", sdk.NAT), dest("224.0.0.9", sdk.NAT), dest("2001:db8:99::2", sdk.NAT), heavy, crossed, gue,
			}},
			{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: v6, Port: 81, IPv6: true}, Scheduler: "rr", Persistence: sdk.Persistence{Engine: "nosuch"}},
		},
		Sync: []sdk.SyncDaemon{{Interface: "nosuch0"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Failures {
		got = append(got, fmt.Sprintf("%s | %s | %s | %s", f.Service, f.Destination, f.Operation, f.Error))
	}
	slices.Sort(got)
	want := []string{
		"tcp 10.99.0.1:80 |  | add service | scheduler nosuch: module ip_vs_nosuch not available",
		"tcp 10.99.0.1:81 | 10.99.0.12:80 | add real server | weight 2147483648 is above 2147483647",
		"tcp 10.99.0.1:81 | 10.99.0.13:80 | add real server | lower threshold 5 is above the upper one, 3",
		"tcp 10.99.0.1:81 | 10.99.0.14:80 | add real server | a gue tunnel needs a port",
		"tcp 10.99.0.1:81 | 224.0.0.9:80 | add real server | the kernel takes no such address for a real server: it is neither a host's nor one of its own",
		"tcp 10.99.0.1:81 | [2001:db8:99::2]:80 | add real server | a real server of the other address family needs forward tun",
		"tcp [2001:db8:99::1]:81 |  | add service | scheduler rr: module ip_vs_rr not available, or persistence engine nosuch: module ip_vs_pe_nosuch not available",
		"  invalid AddrPort |  | start sync daemon (master) | there is no interface nosuch0",
	}
	slices.Sort(want)
	for i := range want {
		want[i] = strings.Replace(want[i], "  invalid AddrPort", sdk.ServiceKey{}.String(), 1)
	}
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got, want := ipvsadm(t, "-Sn"), "-A -t 10.99.0.1:81 -s rr\n-a -t 10.99.0.1:81 -r 10.99.0.9:80 -m -w 1\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestVMSyncDaemonsStartChangeAndStop(t *testing.T) {
	k := realKernel(t)
	b := newBalancer(t, k)
	table := sdk.Table{Sync: []sdk.SyncDaemon{
		{Interface: "dummy0", ID: 5},
		{Backup: true, Interface: "dummy0", ID: 6, Group: netip.MustParseAddr("224.0.0.99"), Port: 9000, TTL: 3, MaxLength: 1000},
	}}
	if r := apply(t, b, full(1, table)); r.Writes != 2 {
		t.Errorf("%d writes, want 2", r.Writes)
	}
	want := "master sync daemon (mcast=dummy0, syncid=5, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n" +
		"backup sync daemon (mcast=dummy0, syncid=6, maxlen=1024, group=224.0.0.99, port=9000, ttl=3)\n"
	if got := ipvsadm(t, "-Ln", "--daemon"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if r := apply(t, newBalancer(t, k), full(1, table)); r.Writes != 0 {
		t.Errorf("after a restart %d writes, want 0", r.Writes)
	}
	table.Sync = []sdk.SyncDaemon{{Interface: "dummy0", ID: 7}}
	if r := apply(t, b, full(2, table)); r.Writes != 3 {
		t.Errorf("%d writes, want 3: stop both, start one", r.Writes)
	}
	observed, err := b.Read(t.Context())
	if err != nil || len(observed.Sync) != 1 || observed.Sync[0].ID != 7 {
		t.Errorf("read %+v, %v", observed.Sync, err)
	}
}

func TestVMStopWithReleaseEmptiesTheTableAndWithoutLeavesIt(t *testing.T) {
	realKernel(t)
	table := everything()
	for _, release := range []bool{false, true} {
		k, err := kernel.Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		b := New(Options{Kernel: k, Packets: noPackets{}})
		apply(t, b, full(1, table))
		if err := b.Stop(t.Context(), release); err != nil {
			t.Fatal(err)
		}
		if left := ipvsadm(t, "-Sn"); (left == "") != release {
			t.Errorf("release %v leaves %d bytes", release, len(left))
		}
	}
}
