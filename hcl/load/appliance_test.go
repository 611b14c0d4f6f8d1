package load

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/evenkeel/evenkeel/hcl/config"
)

func TestTheApplianceBlockIsReadWithItsDefaults(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/appliance.txtar")
	if err != nil {
		t.Fatal(err)
	}
	good := archive.Files[0]
	cfg, diags := Sources([]Source{{Name: good.Name, Text: good.Data}}, Options{Hostname: "box"})
	if cfg == nil {
		t.Fatal(diags.Text())
	}
	ip, net := netip.MustParseAddr, netip.MustParsePrefix
	want := &config.Appliance{
		Hostname: "lb1", Search: []string{"example.com"}, Watchdog: 30 * time.Second,
		Interfaces: []config.ApplianceInterface{
			{
				Name: "mgmt0", MAC: "52:54:00:12:34:56", DHCP: true, AcceptRA: true,
				Routes: []config.ApplianceRoute{{Destination: net("198.51.100.0/24"), Via: ip("10.9.9.9")}},
			},
			{Name: "bond0", MTU: 9000, Bond: &config.Bond{Interfaces: []string{"eth1", "eth2"}, Mode: "802.3ad", HashPolicy: "layer3+4", LACPFast: true}},
			{
				Name: "vlan12", Addresses: []netip.Prefix{net("10.1.12.1/24"), net("2001:db8:12::1/64")}, Gateway: ip("10.1.12.254"),
				VLAN: &config.VLAN{Interface: "bond0", ID: 12},
				Routes: []config.ApplianceRoute{
					{Destination: net("::/0"), Via: ip("fe80::1")},
					{Destination: net("10.0.0.0/8"), Via: ip("10.1.12.254"), Metric: 100},
					{Destination: net("10.0.0.0/8"), Via: ip("10.1.12.253")},
					{Destination: net("10.2.0.0/16")},
				},
			},
		},
		Syslogs: []config.Syslog{
			{Host: "192.0.2.9", Port: 514, Protocol: "udp"},
			{Host: "2001:db8::9", Port: 5514, Protocol: "tcp"},
			{Host: "logs.example.com", Port: 6514, Protocol: "tls", CAFile: "/data/tls/ca.pem"},
		},
	}
	opts := []cmp.Option{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.IgnoreTypes(config.Position{})}
	if diff := cmp.Diff(want, cfg.Appliance, opts...); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
