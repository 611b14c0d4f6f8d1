package settings

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const box = `# The first director.
appliance {
  hostname    = "lb1" # as on its label
  ntp_servers = ["192.0.2.1"]

  interface "eth0" {
    mac       = "52:54:00:12:34:56"
    addresses = local.addresses
    gateway   = "192.0.2.1"
    mtu       = 9000
  }
}

director {
  name = "lb1"
}
`

const shared = "# shared\nvrrp_instance \"vips\" {}\n"

func TestAnInterfaceIsChangedAndTheRestStays(t *testing.T) {
	files := Files{"box.hcl": []byte(box), "shared.hcl": []byte(shared)}
	for _, c := range []struct {
		name string
		to   Interface
		cut  string // of box
		put  string
	}{
		{"eth0", Interface{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.12/24"), netip.MustParsePrefix("2001:db8::12/64")}, Gateway: netip.MustParseAddr("192.0.2.1")},
			"    addresses = local.addresses\n", "    addresses = [\"192.0.2.12/24\", \"2001:db8::12/64\"]\n"},
		{"eth0", Interface{DHCP: true}, "    mac       = \"52:54:00:12:34:56\"\n    addresses = local.addresses\n    gateway   = \"192.0.2.1\"\n    mtu       = 9000\n",
			"    mac  = \"52:54:00:12:34:56\"\n    mtu  = 9000\n    dhcp = true\n"},
		{"eth1", Interface{Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}, "    mtu       = 9000\n  }\n",
			"    mtu       = 9000\n  }\n\n  interface \"eth1\" {\n    addresses = [\"10.0.0.1/24\"]\n  }\n"},
	} {
		got, err := SetInterface(files, c.name, c.to)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(box, c.cut, c.put, 1)
		a, b := string(got["box.hcl"]), want
		// Where a changed attribute stands is no matter.
		if d := cmp.Diff(strings.Split(b, "\n"), strings.Split(a, "\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if string(got["shared.hcl"]) != shared {
			t.Errorf("%s: the other file was changed:\n%s", c.name, got["shared.hcl"])
		}
	}
	if string(files["box.hcl"]) != box {
		t.Error("what was given was changed")
	}
}

func TestTheHostIsChanged(t *testing.T) {
	name, none, servers := "lb2", []string{}, []netip.Addr{netip.MustParseAddr("192.0.2.53")}
	got, err := SetHost(Files{"all.hcl": []byte(box)}, Host{Name: &name, NTPServers: &none, Nameservers: &servers})
	if err != nil {
		t.Fatal(err)
	}
	text := string(got["all.hcl"])
	for _, want := range []string{`hostname = "lb2" # as on its label`, `nameservers = ["192.0.2.53"]`, "addresses = local.addresses"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "ntp_servers") {
		t.Errorf("the time servers are there yet:\n%s", text)
	}
}

func TestAConfigurationWithoutABlockGetsOne(t *testing.T) {
	name := "lb1"
	for file, files := range map[string]Files{"box.hcl": {"box.hcl": []byte("director {}\n"), "shared.hcl": nil}, "evenkeel.hcl": {"evenkeel.hcl": []byte("director {}\n")}} {
		got, err := SetHost(files, Host{Name: &name})
		if want := "director {}\n\nappliance {\n  hostname = \"lb1\"\n}\n"; err != nil || string(got[file]) != want {
			t.Errorf("%s: %v\n%s", file, err, got[file])
		}
	}
}

func TestWhatIsNoHCLIsSaid(t *testing.T) {
	for _, text := range []string{"appliance {", strings.Repeat("[", 100000)} {
		if _, err := SetInterface(Files{"box.hcl": []byte(text)}, "eth0", Interface{}); err == nil || !strings.Contains(err.Error(), "box.hcl") {
			t.Errorf("got %v", err)
		}
	}
}
