package network

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// inMachine is inNamespace in a machine of ring 3, whose kernel has VLANs and bonds.
func inMachine(t *testing.T) bool {
	t.Helper()
	if os.Getenv("EVENKEEL_IN_VM") == "" {
		t.Skip("needs a kernel with VLANs and bonds: image/lab runs it in a virtual machine")
	}
	return inNamespace(t)
}

func TestVMAVLANIsMadeChangedAndRemoved(t *testing.T) {
	if !inMachine(t) {
		return
	}
	pair(t, "eth0", "far0")
	pair(t, "eth1", "far1")
	with := func(parent string, id uint16) *config.Appliance {
		return &config.Appliance{Interfaces: []config.ApplianceInterface{
			{Name: "office", Addresses: prefixes("192.0.2.11/24"), VLAN: &config.VLAN{Interface: parent, ID: id}},
			{Name: "eth0"}, {Name: "eth1"},
		}}
	}
	for _, c := range []struct {
		parent string
		id     uint16
	}{{"eth0", 12}, {"eth0", 13}, {"eth1", 13}} {
		apply(t, with(c.parent, c.id))
		l, err := netlink.LinkByName("office")
		if err != nil {
			t.Fatal(err)
		}
		parent, err := netlink.LinkByIndex(l.Attrs().ParentIndex)
		if err != nil || parent.Attrs().Name != c.parent || l.(*netlink.Vlan).VlanId != int(c.id) {
			t.Errorf("VLAN %d of %s is %+v of %+v, %v", c.id, c.parent, l, parent, err)
		}
		same(t, "addresses", []string{"192.0.2.11/24 proto 69"}, addressesOf(t, "office"))
		same(t, "changes of a second time", []string(nil), apply(t, with(c.parent, c.id)))
	}
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	at := netlink.NewLinkAttrs()
	at.Name, at.ParentIndex = "other", eth0.Attrs().Index
	if err := netlink.LinkAdd(&netlink.Vlan{LinkAttrs: at, VlanId: 99}); err != nil { // somebody else's
		t.Fatal(err)
	}
	apply(t, &config.Appliance{})
	if got := links(t); slices.Contains(got, "office") || !slices.Contains(got, "other") {
		t.Errorf("ours goes and another's stays: %v", got)
	}
}

func TestVMABondHasItsMembersAndItsMode(t *testing.T) {
	if !inMachine(t) {
		return
	}
	pair(t, "eth0", "far0")
	pair(t, "eth1", "far1")
	pair(t, "eth2", "far2")
	sh(t, "ip link set eth0 up; ip addr add 203.0.113.1/24 dev eth1")
	bond := func(b config.Bond) *config.Appliance {
		return &config.Appliance{Interfaces: []config.ApplianceInterface{
			{Name: "vlan7", Addresses: prefixes("198.51.100.11/24"), VLAN: &config.VLAN{Interface: "bond0", ID: 7}},
			{Name: "bond0", Addresses: prefixes("192.0.2.11/24"), Bond: &b},
		}}
	}
	members := func() string {
		bond, err := netlink.LinkByName("bond0")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(links(t, bond.Attrs().Index), " ")
	}
	backup := config.Bond{Interfaces: []string{"eth0", "eth1"}, Mode: "active-backup", Primary: "eth1"}
	apply(t, bond(backup))
	if got := members(); got != "eth0 eth1" {
		t.Errorf("members are %q", got)
	}
	l, _ := netlink.LinkByName("bond0")
	eth1, _ := netlink.LinkByName("eth1")
	if b := l.(*netlink.Bond); b.Mode != netlink.BOND_MODE_ACTIVE_BACKUP || b.Primary != eth1.Attrs().Index || b.Miimon != 100 {
		t.Errorf("the bond is %+v", b)
	}
	same(t, "addresses", []string{"192.0.2.11/24 proto 69"}, addressesOf(t, "bond0"))
	same(t, "addresses of the VLAN", []string{"198.51.100.11/24 proto 69"}, addressesOf(t, "vlan7"))
	same(t, "changes of a second time", []string(nil), apply(t, bond(backup)))

	lacp := config.Bond{Interfaces: []string{"eth1", "eth2"}, Mode: "802.3ad", HashPolicy: "layer3+4", LACPFast: true}
	apply(t, bond(lacp))
	if got := members(); got != "eth1 eth2" {
		t.Errorf("members are %q", got)
	}
	l, _ = netlink.LinkByName("bond0")
	if b := l.(*netlink.Bond); b.Mode != netlink.BOND_MODE_802_3AD || b.XmitHashPolicy != netlink.BOND_XMIT_HASH_POLICY_LAYER3_4 || b.LacpRate != netlink.BOND_LACP_RATE_FAST {
		t.Errorf("the bond is %+v", b)
	}
	same(t, "addresses of the VLAN", []string{"198.51.100.11/24 proto 69"}, addressesOf(t, "vlan7"))
	same(t, "changes of a second time", []string(nil), apply(t, bond(lacp)))

	// A member that is not there is said, and the bond works with the others.
	lacp.Interfaces = []string{"eth1", "eth5"}
	r := Apply(bond(lacp), nil, Files{})
	if len(r.Problems) != 1 || r.Problems[0].String() != "bond0: members that are not there: eth5" {
		t.Errorf("problems: %v", r.Problems)
	}
	// A card that is bound by its address is found among the members, too, which have the bond's.
	ap := bond(lacp)
	ap.Interfaces = append(ap.Interfaces, config.ApplianceInterface{Name: "eth1", MAC: hardwareAddress(eth1)})
	r = Apply(ap, nil, Files{})
	if len(r.Problems) != 1 || len(r.Changes) != 0 {
		t.Errorf("a member bound by its address: %+v", r)
	}
	apply(t, &config.Appliance{})
	if got := links(t); slices.Contains(got, "bond0") || slices.Contains(got, "vlan7") {
		t.Errorf("they stay: %v", got)
	}
}

// links are the names of all links, or of the members of some.
func links(t *testing.T, of ...int) []string {
	t.Helper()
	ls, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range ls {
		if len(of) == 0 || slices.Contains(of, l.Attrs().MasterIndex) {
			names = append(names, l.Attrs().Name)
		}
	}
	slices.Sort(names)
	return names
}
