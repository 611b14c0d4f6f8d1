package lab_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// A table made by hand with ipvsadm: what these tests show is that the lab's wires, machines and real servers are right.
func TestVMTableByHandBalances(t *testing.T) {
	for _, c := range []struct {
		mode lab.Mode
		kind lab.Kind
	}{{lab.DR, lab.UML}, {lab.NAT, lab.UML}, {lab.TUN, lab.UML}, {lab.DR, lab.QEMU}, {lab.NAT, lab.QEMU}} {
		t.Run(fmt.Sprintf("%s on %s", c.mode, c.kind), func(t *testing.T) {
			need(t, lab.UML, c.kind)
			l := newLab(t, lab.Options{Mode: c.mode, Kind: c.kind})
			flag := map[lab.Mode]string{lab.DR: "-g", lab.NAT: "-m", lab.TUN: "-i"}[c.mode]
			script := fmt.Sprintf("ipvsadm -A -t %s:80 -s wrr; ipvsadm -A -u %s:53 -s wrr;", lab.VIP, lab.VIP)
			if c.mode != lab.TUN {
				script += fmt.Sprintf("ipvsadm -A -t [%s]:80 -s wrr; ipvsadm -A -u [%s]:53 -s wrr;", lab.VIP6, lab.VIP6)
			}
			for i, r := range l.RealServers {
				script += fmt.Sprintf("ipvsadm -a -t %s:80 -r %s:80 %s -w %d;", lab.VIP, r.Address, flag, i+1)
				script += fmt.Sprintf("ipvsadm -a -u %s:53 -r %s:53 %s -w %d;", lab.VIP, r.Address, flag, i+1)
				if c.mode != lab.TUN {
					script += fmt.Sprintf("ipvsadm -a -t [%s]:80 -r [%s]:80 %s -w %d;", lab.VIP6, r.Address6, flag, i+1)
					script += fmt.Sprintf("ipvsadm -a -u [%s]:53 -r [%s]:53 %s -w %d;", lab.VIP6, r.Address6, flag, i+1)
				}
			}
			run(t, l.Directors[0], "set -e; "+script)
			client := traffic.Client{Dial: l.Client.Dial, Timeout: 3 * time.Second} // a busy host may stop a machine for a second
			ask := map[string]func(context.Context) (string, error){
				"tcp": func(ctx context.Context) (string, error) { return client.HTTP(ctx, lab.VIP+":80") },
				"udp": func(ctx context.Context) (string, error) { return client.UDP(ctx, lab.VIP+":53") },
			}
			if c.mode != lab.TUN {
				ask["tcp6"] = func(ctx context.Context) (string, error) { return client.HTTP(ctx, "["+lab.VIP6+"]:80") }
				ask["udp6"] = func(ctx context.Context) (string, error) { return client.UDP(ctx, "["+lab.VIP6+"]:53") }
			}
			for name, ask := range ask {
				want := map[string]int{"rs1": 5, "rs2": 10, "rs3": 15}
				answers := traffic.Ask(ctx, 30, ask)
				if d := cmp.Diff(want, traffic.Tally(answers)); d != "" {
					t.Errorf("%s answers by weight 1:2:3 (-want +got):\n%s\n%v\n%s", name, d, answers, run(t, l.Directors[0], "ipvsadm -Ln; ipvsadm -Lnc; cat /proc/net/arp"))
				}
			}
			// A real server whose program is killed refuses, and answers again when it is back.
			r := l.RealServers[2]
			if err := r.Kill(ctx); err != nil {
				t.Fatal(err)
			}
			if n := traffic.Count(ctx, 6, ask["tcp"]); n[traffic.Failed] != 3 {
				t.Errorf("with rs3 killed: %v, want 3 failures", n)
			}
			if err := r.Start(ctx); err != nil {
				t.Fatal(err)
			}
			if n := traffic.Count(ctx, 6, ask["tcp"]); n["rs3"] != 3 {
				t.Errorf("with rs3 back: %v, want 3 answers of rs3", n)
			}
		})
	}
}
