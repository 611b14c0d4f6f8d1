package network

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// inNamespace runs the rest of a test in a process of its own, whose network, mounts and host name are nobody else's: what
// Apply changes is the whole process's. It returns true there, and false in the process that was started first.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const inside = "EVENKEEL_TEST_INSIDE"
	if os.Getenv(inside) != "" {
		sh(t, "ip link set lo up")
		sh(t, "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad") // addresses are there at once
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("makes network namespaces, which takes root")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.timeout", "2m")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

func sh(t *testing.T, script string, args ...any) string {
	t.Helper()
	script = fmt.Sprintf(script, args...)
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// pair makes a veth pair: a card of the box, which is down, and what it is plugged into, which is up.
func pair(t *testing.T, near, far string, mac ...string) {
	t.Helper()
	at := netlink.NewLinkAttrs()
	at.Name = near
	if len(mac) > 0 {
		at.HardwareAddr, _ = net.ParseMAC(mac[0])
	}
	v := &netlink.Veth{LinkAttrs: at, PeerName: far}
	if len(mac) > 1 {
		v.PeerHardwareAddr, _ = net.ParseMAC(mac[1])
	}
	if err := netlink.LinkAdd(v); err != nil {
		t.Fatal(err)
	}
	sh(t, "ip link set %s up", far)
}

// apply applies and fails on a problem.
func apply(t *testing.T, ap *config.Appliance) []string {
	t.Helper()
	r := Apply(ap, nil, Files{})
	if len(r.Problems) > 0 {
		t.Fatalf("problems: %v", r.Problems)
	}
	return r.Changes
}

// addressesOf are what an interface has, but for link-local ones, as "PREFIX proto N".
func addressesOf(t *testing.T, name string) []string {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	as, err := observed()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, a := range as {
		if a.Index == l.Attrs().Index && !a.Prefix.Addr().IsLinkLocalUnicast() {
			found = append(found, fmt.Sprintf("%s proto %d", a.Prefix, a.Protocol))
		}
	}
	return found
}

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestNSApplyMakesTheNetworkAndThenChangesNothing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0")
	ap := &config.Appliance{Hostname: "lb1.example.com", Nameservers: []netip.Addr{netip.MustParseAddr("192.0.2.53")}, Interfaces: []config.ApplianceInterface{{
		Name: "eth0", MTU: 1400, Addresses: prefixes("192.0.2.11/24", "2001:db8::11/64"), Gateway: netip.MustParseAddr("192.0.2.1"),
		Routes: []config.ApplianceRoute{
			{Destination: netip.MustParsePrefix("10.0.0.0/8"), Via: netip.MustParseAddr("198.51.100.1"), Metric: 7},
			{Destination: netip.MustParsePrefix("198.51.100.0/24")},
			{Destination: netip.MustParsePrefix("::/0"), Via: netip.MustParseAddr("2001:db8::1")},
		},
	}}}
	files := Files{ResolvConf: filepath.Join(t.TempDir(), "run", "resolv.conf")}
	r := Apply(ap, nil, files)
	if len(r.Problems) > 0 {
		t.Fatalf("problems: %v", r.Problems)
	}
	same(t, "addresses", []string{"192.0.2.11/24 proto 69", "2001:db8::11/64 proto 69"}, addressesOf(t, "eth0"))
	for _, want := range []string{"default via 192.0.2.1 dev eth0", "10.0.0.0/8 via 198.51.100.1 dev eth0", "198.51.100.0/24 dev eth0"} {
		if got := sh(t, "ip route"); !strings.Contains(got, want) {
			t.Errorf("no route %q in\n%s", want, got)
		}
	}
	if got := sh(t, "ip -6 route"); !strings.Contains(got, "default via 2001:db8::1 dev eth0") {
		t.Errorf("no IPv6 default route in\n%s", got)
	}
	if l, err := netlink.LinkByName("eth0"); err != nil || l.Attrs().MTU != 1400 || l.Attrs().Flags&net.FlagUp == 0 {
		t.Errorf("eth0 is %+v, %v", l, err)
	}
	if name, _ := os.Hostname(); name != "lb1.example.com" {
		t.Errorf("the host name is %q", name)
	}
	if b, err := os.ReadFile(files.ResolvConf); !bytes.Contains(b, []byte("\nnameserver 192.0.2.53\n")) {
		t.Errorf("resolv.conf: %q, %v", b, err)
	}
	if r := Apply(ap, nil, files); len(r.Changes)+len(r.Problems) > 0 {
		t.Errorf("the second time does something: %+v", r)
	}
}

func TestNSVirtualAddressesAndOthersAreNeverTouched(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0")
	sh(t, `ip link set eth0 up
		ip addr add 192.0.2.10/24 dev eth0
		ip addr add 2001:db8::10/64 dev eth0
		ip route add 10.9.0.0/16 via 192.0.2.9 proto 112; ip route add 10.8.0.0/16 via 192.0.2.9`)
	for text, owner := range map[string]uint8{"192.0.2.100/24": 112, "192.0.2.101/32": 200, "2001:db8::100/64": 112} {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			t.Fatal(err)
		}
		if err := assign(l, netip.MustParsePrefix(text), owner); err != nil {
			t.Fatal(err)
		}
	}
	ap := &config.Appliance{Interfaces: []config.ApplianceInterface{{Name: "eth0", Addresses: prefixes("192.0.2.11/24")}}}
	apply(t, ap)
	// 192.0.2.100 is a secondary of 192.0.2.10, which goes.
	want := []string{"192.0.2.100/24 proto 112", "192.0.2.101/32 proto 200", "192.0.2.11/24 proto 69", "2001:db8::100/64 proto 112"}
	got := addressesOf(t, "eth0")
	slices.Sort(got)
	same(t, "addresses", want, got)
	routes := sh(t, "ip route")
	if !strings.Contains(routes, "10.9.0.0/16") || strings.Contains(routes, "10.8.0.0/16") {
		t.Errorf("the virtual router's route stays, the one by hand goes:\n%s", routes)
	}
	// Without a block, ours goes, and only that.
	apply(t, nil)
	got = addressesOf(t, "eth0")
	slices.Sort(got)
	same(t, "addresses without a block", slices.Delete(want, 2, 3), got)
}

func TestNSWhatIsThereAlreadyIsAdopted(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0")
	sh(t, `ip link set eth0 up
		ip addr add 192.0.2.11/24 dev eth0; ip route add default via 192.0.2.1
		echo 1 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries; echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra`)
	changes := apply(t, &config.Appliance{Interfaces: []config.ApplianceInterface{
		{Name: "eth0", Addresses: prefixes("192.0.2.11/24"), Gateway: netip.MustParseAddr("192.0.2.1")},
	}})
	same(t, "changes", []string(nil), changes)
}

func TestNSAnAddressMovesToAnotherInterface(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0")
	pair(t, "eth1", "far1")
	gw := netip.MustParseAddr("192.0.2.1")
	apply(t, &config.Appliance{Interfaces: []config.ApplianceInterface{{Name: "eth0", Addresses: prefixes("192.0.2.11/24"), Gateway: gw}}})
	apply(t, &config.Appliance{Interfaces: []config.ApplianceInterface{{Name: "eth1", Addresses: prefixes("192.0.2.11/24"), Gateway: gw}}})
	same(t, "eth0", []string(nil), addressesOf(t, "eth0"))
	same(t, "eth1", []string{"192.0.2.11/24 proto 69"}, addressesOf(t, "eth1"))
	if got := sh(t, "ip route show default"); !strings.HasPrefix(got, "default via 192.0.2.1 dev eth1") {
		t.Errorf("default route: %s", got)
	}
}

func TestNSACardGetsTheNameThatItsAddressHas(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0", "52:54:00:00:00:0a")
	pair(t, "eth1", "far1", "52:54:00:00:00:0b")
	pair(t, "eth2", "far2", "52:54:00:00:00:0c")
	sh(t, "ip link set eth1 up")
	// eth0 and eth1 have come up in the other order, and eth2 is new to the kernel's names.
	apply(t, &config.Appliance{Interfaces: []config.ApplianceInterface{
		{Name: "eth0", MAC: "52:54:00:00:00:0b", Addresses: prefixes("192.0.2.11/24")},
		{Name: "eth1", MAC: "52:54:00:00:00:0a", Addresses: prefixes("198.51.100.11/24")},
		{Name: "mgmt0", MAC: "52:54:00:00:00:0c"},
	}})
	for name, mac := range map[string]string{"eth0": "52:54:00:00:00:0b", "eth1": "52:54:00:00:00:0a", "mgmt0": "52:54:00:00:00:0c"} {
		l, err := netlink.LinkByName(name)
		if err != nil || l.Attrs().HardwareAddr.String() != mac || l.Attrs().Flags&net.FlagUp == 0 {
			t.Errorf("%s is not the card %s, up: %+v, %v", name, mac, l, err)
		}
	}
	same(t, "eth0", []string{"192.0.2.11/24 proto 69"}, addressesOf(t, "eth0"))
}

func TestNSAMissingCardIsSaidAndTheRestGoesOn(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0", "52:54:00:00:00:0a", "52:54:00:00:00:0f")
	r := Apply(&config.Appliance{Interfaces: []config.ApplianceInterface{
		{Name: "eth7", Addresses: prefixes("198.51.100.11/24"), Gateway: netip.MustParseAddr("198.51.100.1")},
		{Name: "mgmt0", MAC: "52:54:00:00:00:0e", Addresses: prefixes("203.0.113.11/24")},
		{Name: "vlan5", VLAN: &config.VLAN{Interface: "eth9", ID: 5}},
		{Name: "eth0", Addresses: prefixes("192.0.2.11/24")},
	}}, nil, Files{})
	var said []string
	for _, p := range r.Problems {
		said = append(said, p.String())
	}
	same(t, "problems", []string{
		"eth7: there is no such card; there are far0 (52:54:00:00:00:0f), eth0 (52:54:00:00:00:0a)",
		"mgmt0: no card has the hardware address 52:54:00:00:00:0e; there are far0 (52:54:00:00:00:0f), eth0 (52:54:00:00:00:0a)",
		"vlan5: it is a VLAN of eth9, which is not there",
	}, said)
	same(t, "eth0", []string{"192.0.2.11/24 proto 69"}, addressesOf(t, "eth0"))
}

func TestNSAnotherCardThatHasTheNameGetsNoneOfItsAddresses(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	pair(t, "eth0", "far0", "52:54:00:00:00:0a")
	r := Apply(&config.Appliance{Interfaces: []config.ApplianceInterface{
		{Name: "eth0", MAC: "52:54:00:00:00:0e", Addresses: prefixes("192.0.2.11/24"), Gateway: netip.MustParseAddr("192.0.2.1")},
	}}, nil, Files{})
	if len(r.Problems) != 1 {
		t.Errorf("problems: %v", r.Problems)
	}
	same(t, "eth0", []string(nil), addressesOf(t, "eth0"))
}

// eventually waits for something that the kernel or another process is to do.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 200 {
		if f() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not within 10 s: %s", what)
}
