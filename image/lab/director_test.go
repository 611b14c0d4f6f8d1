package lab_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/stage"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// The main job, from outside: HCL in, balanced traffic out.
func TestVMDirector(t *testing.T) {
	for _, c := range []struct {
		mode lab.Mode
		kind lab.Kind
	}{{lab.DR, lab.UML}, {lab.NAT, lab.UML}, {lab.TUN, lab.UML}, {lab.DR, lab.QEMU}} {
		t.Run(fmt.Sprintf("%s on %s", c.mode, c.kind), func(t *testing.T) {
			p := newPlay(t, c.mode, c.kind)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("evenkeel's log:\n%s", p.Core().Output())
				}
			})
			if err := p.Configure(ctx, p.configuration(1, 2, 3)); err != nil {
				t.Fatal(err)
			}
			if err := p.Start(ctx); err != nil {
				t.Fatal(err)
			}
			p.untilAll(t, 1, 2, 3)
			for _, act := range []struct {
				name string
				play func(*testing.T)
			}{
				{"answers by weight", p.weights},
				{"a dead server leaves the table and no request fails after that", p.deadServer},
				{"a changed weight is one write for each service", p.changedWeight},
				{"a configuration with an error changes nothing", p.brokenConfiguration},
				{"a core that is killed costs nothing and its successor writes nothing", p.crash},
				{"the sorry server is there when nobody else is", p.sorry},
			} {
				if !t.Run(act.name, act.play) {
					return
				}
			}
		})
	}
}

func (p *play) weights(t *testing.T) {
	p.expectAnswers(t, map[string]int{"rs1": 5, "rs2": 10, "rs3": 15})
}

func (p *play) deadServer(t *testing.T) {
	web := p.services[0]
	s := traffic.Start(ctx, 20*time.Millisecond, web.ask)
	defer s.Stop()
	killed := time.Now()
	if err := p.lab.RealServers[2].Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.UntilTable(ctx, 10*time.Second, web.table, web.want(1, 2)); err != nil {
		t.Fatal(err)
	}
	verdict := time.Now()
	p.untilAll(t, 1, 2)
	time.Sleep(time.Second)
	if err := p.lab.RealServers[2].Start(ctx); err != nil {
		t.Fatal(err)
	}
	p.untilAll(t, 1, 2, 3)
	time.Sleep(200 * time.Millisecond)
	answers := s.Stop()
	if failed := traffic.Failures(traffic.Between(answers, verdict, time.Now())); len(failed) > 0 {
		t.Errorf("%d requests failed after the verdict, the first %v later: %v", len(failed), failed[0].Began.Sub(verdict), failed[0].Err)
	}
	if n := traffic.Tally(traffic.Between(answers, killed, verdict)); n[traffic.Failed] == 0 {
		t.Errorf("before the verdict %v: no request went to the dead server, so this shows nothing", n)
	}
	p.expectAnswers(t, map[string]int{"rs1": 3, "rs2": 6, "rs3": 9})
}

func (p *play) changedWeight(t *testing.T) {
	before := p.writes(t)
	if out, exit := p.reload(t, p.configuration(1, 2, 6)); exit != 0 {
		t.Fatalf("evenkeel reload: exit %d: %s", exit, out)
	}
	p.untilAll(t, 1, 2, 6)
	if n := p.writes(t) - before; n != uint64(len(p.services)) {
		t.Errorf("%d writes for %d changed weights", n, len(p.services))
	}
	p.expectAnswers(t, map[string]int{"rs1": 3, "rs2": 6, "rs3": 18})
}

func (p *play) brokenConfiguration(t *testing.T) {
	before, err := p.Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	writes := p.writes(t)
	broken := strings.Replace(p.configuration(3, 2, 1), `scheduler = "wrr"`, `scheduler = "wrong"`, 1)
	out, exit := p.reload(t, broken)
	if exit != 1 || !strings.Contains(out, "evenkeel.hcl") || !strings.Contains(out, "wrong") {
		t.Errorf("evenkeel reload: exit %d, want 1 and what is wrong where: %s", exit, out)
	}
	after, err := p.Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the table has changed (-before +after):\n%s", d)
	}
	if n := p.writes(t) - writes; n != 0 {
		t.Errorf("%d writes for a configuration that was refused", n)
	}
	if st, err := p.Status(ctx); err != nil || st.Configuration.Problem == "" {
		t.Errorf("the status does not say that the file has errors (%v)", err)
	}
	if out, exit := p.reload(t, p.configuration(1, 2, 6)); exit != 0 {
		t.Errorf("evenkeel reload of what runs: exit %d: %s", exit, out)
	}
	if st, err := p.Status(ctx); err != nil || st.Configuration.Problem != "" {
		t.Errorf("the status still says %q (%v)", st.Configuration.Problem, err)
	}
}

func (p *play) crash(t *testing.T) {
	web := p.services[0]
	before, err := p.Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	connections := run(t, p.Director, "ipvsadm -Ln --stats --exact | grep -w TCP | head -n 1")
	s := traffic.Start(ctx, 20*time.Millisecond, web.ask)
	defer s.Stop()
	if err := p.Crash(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	// The table is looked at all the time while the next core comes up: a server that is missing for a moment is a fault.
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		now, err := p.Table(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, now); d != "" {
			t.Fatalf("the table has changed (-before +now):\n%s", d)
		}
	}
	if _, err := p.Until(ctx, 10*time.Second, func() error {
		st, err := p.Status(ctx)
		for i := range 3 {
			if err == nil && st.State(web.server(i)) != "up" {
				err = fmt.Errorf("%s is %q", web.server(i), st.State(web.server(i)))
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := p.writes(t); n != 0 {
		t.Errorf("the new core wrote %d times, want 0", n)
	}
	if failed := traffic.Failures(s.Stop()); len(failed) > 0 {
		t.Errorf("%d requests failed, the first: %v", len(failed), failed[0].Err)
	}
	// A service that is made anew begins to count at 0.
	var was, is int
	if _, err := fmt.Sscanf(strings.Join(strings.Fields(connections)[2:3], ""), "%d", &was); err != nil {
		t.Fatal(err)
	}
	now := run(t, p.Director, "ipvsadm -Ln --stats --exact | grep -w TCP | head -n 1")
	if _, err := fmt.Sscanf(strings.Join(strings.Fields(now)[2:3], ""), "%d", &is); err != nil {
		t.Fatal(err)
	}
	if is < was || was == 0 {
		t.Errorf("the kernel counted %d connections before and %d now: the service was made anew", was, is)
	}
}

func (p *play) sorry(t *testing.T) {
	for _, r := range p.lab.RealServers[:3] {
		if err := r.Kill(ctx); err != nil {
			t.Fatal(err)
		}
	}
	p.untilAll(t, -1, -1, -1, 1)
	p.expectAnswers(t, map[string]int{"rs4": 6})
	st, err := p.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, vs := range st.VirtualServers {
		if vs.HasQuorum || vs.Sorry == "" {
			t.Errorf("status of %s: quorum %v, sorry server %q", vs.Name, vs.HasQuorum, vs.Sorry)
		}
	}
	if err := p.lab.RealServers[1].Start(ctx); err != nil {
		t.Fatal(err)
	}
	p.untilAll(t, -1, 2)
	p.expectAnswers(t, map[string]int{"rs2": 6})
}

// On a kernel without ip_vs evenkeel ends, and says what to do.
func TestVMDirectorWithoutIPVS(t *testing.T) {
	need(t, lab.UML)
	l := newLab(t, lab.Options{RealServers: -1, Director: lab.VMOptions{
		Omit: []string{"ip_vs"}, Files: []lab.File{stage.Program(evenkeel(t))},
	}})
	s := stage.New(l, 0)
	hcl := "virtual_server \"web\" {\n  address = \"10.77.0.100:80\"\n  protocol = \"tcp\"\n  forward = \"nat\"\n  real_server \"10.77.1.21:80\" {}\n}\n"
	if err := s.Configure(ctx, hcl); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	exit, err := s.Core().Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if exit == 0 || !strings.Contains(s.Core().Output(), "modprobe ip_vs") {
		t.Errorf("exit %d, want an error that says what to do:\n%s", exit, s.Core().Output())
	}
}

// A client whose port the kernel has seen with a real server that is gone gets another one: evenkeel sees to that.
func TestVMConnectionsOfARemovedServerBlackHoleNobody(t *testing.T) {
	need(t, lab.UML)
	l := newLab(t, lab.Options{RealServers: 2, Director: lab.VMOptions{Files: []lab.File{stage.Program(evenkeel(t))}}})
	s := stage.New(l, 0)
	to := func(server string) {
		t.Helper()
		if err := s.Configure(ctx, "virtual_server \"dns\" {\n  address  = \"10.77.0.100:53\"\n  protocol = \"udp\"\n  forward  = \"dr\"\n  real_server \""+server+":53\" {}\n}\n"); err != nil {
			t.Fatal(err)
		}
	}
	client := traffic.Client{Timeout: 3 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		return l.Client.DialFrom(ctx, &net.UDPAddr{Port: 5353}, network, address)
	}}
	to("10.77.0.21")
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Until(ctx, 30*time.Second, func() error {
		who, err := client.UDP(ctx, lab.VIP+":53")
		if err == nil && who != "rs1" {
			err = fmt.Errorf("%q answers, want rs1", who)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	to("10.77.0.22")
	if out, exit, err := s.Evenkeel(ctx, "reload"); err != nil || exit != 0 {
		t.Fatalf("reload: exit %d, %v: %s", exit, err, out)
	}
	if who, err := client.UDP(ctx, lab.VIP+":53"); who != "rs2" {
		t.Errorf("then %q answers (%v), want rs2\n%s", who, err, s.Core().Output())
	}
}
