package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
)

// via is the play's configuration with checks that go by way of the VIP.
func (p *play) via() string {
	var b strings.Builder
	for _, s := range p.services {
		check := "http"
		switch s.name {
		case "dns":
			check = "udp"
			if p.lab.Mode == lab.NAT {
				check = "ping" // not by the VIP
			}
		case "web6":
			check = "tcp"
		}
		fmt.Fprintf(&b, `
virtual_server %q {
  address   = %q
  protocol  = %q
  scheduler = "wrr"
  forward   = %q

  check %q {
    interval       = "500ms"
    timeout        = "500ms"
    retry_interval = "100ms"
%s  }
`, s.name, s.address, s.protocol, p.lab.Mode, check, map[string]string{
			"udp": "    via = \"vip\"\n    payload = \"hello\"\n    require_reply = true\n", "ping": "", "http": "    via = \"vip\"\n", "tcp": "    via = \"vip\"\n"}[check])
		for i := range 3 {
			fmt.Fprintf(&b, "  real_server %q {}\n", s.server(i))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// With via = "vip" a real server that would not take clients' packets is out before a client finds out, although it answers at
// its own address: on the master, to which the VIP belongs, and on a backup.
func TestVMProbesByWayOfTheVIP(t *testing.T) {
	for _, mode := range []lab.Mode{lab.DR, lab.NAT, lab.TUN} {
		t.Run(string(mode), func(t *testing.T) {
			p := newPlay(t, mode, lab.UML)
			if err := p.Configure(ctx, p.via()); err != nil {
				t.Fatal(err)
			}
			if err := p.Start(ctx); err != nil {
				t.Fatal(err)
			}
			p.untilAll(t, 1, 1, 1)
			p.expectAnswers(t, map[string]int{"rs1": 3, "rs2": 3, "rs3": 3})
			away, back := map[lab.Mode]string{
				lab.DR:  "ip addr del " + lab.VIP + "/32 dev lo; ip addr del " + lab.VIP6 + "/128 dev lo",
				lab.TUN: "ip addr del " + lab.VIP + "/32 dev tunl0",
			}[mode], map[lab.Mode]string{
				lab.DR:  "ip addr add " + lab.VIP + "/32 dev lo; ip addr add " + lab.VIP6 + "/128 dev lo",
				lab.TUN: "ip addr add " + lab.VIP + "/32 dev tunl0",
			}[mode]
			if mode != lab.NAT { // whose probes come from the network of the real servers
				run(t, p.lab.RealServers[1].Node, away)
				p.untilAll(t, 1, -1, 1)
				run(t, p.lab.RealServers[1].Node, back)
				p.untilAll(t, 1, 1, 1)
			} else {
				web := p.services[0]
				if err := p.lab.RealServers[1].Kill(ctx); err != nil {
					t.Fatal(err)
				}
				if _, err := p.UntilTable(ctx, 20*time.Second, web.table, web.want(1, -1, 1)); err != nil {
					t.Fatal(err)
				}
				if err := p.lab.RealServers[1].Start(ctx); err != nil {
					t.Fatal(err)
				}
				p.untilAll(t, 1, 1, 1)
			}
			run(t, p.Director, "ip addr del "+lab.VIP+"/32 dev eth0; ip addr del "+lab.VIP6+"/128 dev eth0")
			time.Sleep(3 * time.Second) // several times what it takes to be down
			p.untilAll(t, 1, 1, 1)
		})
	}
}
