package lab_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/stage"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// A play is a director with evenkeel in front of three real servers and a fourth one as sorry server.
type play struct {
	*stage.Stage
	lab      *lab.Lab
	services []playService
}

// A playService is a virtual server of the play.
type playService struct {
	name, protocol, address string
	server                  func(i int) string // its real servers, from 0
	table                   string             // its name in the kernel's table
	ask                     func(context.Context) (string, error)
}

func newPlay(t *testing.T, mode lab.Mode, kind lab.Kind) *play {
	t.Helper()
	need(t, lab.UML, kind)
	l := newLab(t, lab.Options{
		Mode: mode, Kind: kind, RealServers: 4,
		Director: lab.VMOptions{Files: []lab.File{stage.Program(evenkeel(t))}},
	})
	p := &play{Stage: stage.New(l, 0), lab: l}
	v4 := func(port int) func(int) string {
		return func(i int) string { return fmt.Sprintf("%s:%d", l.RealServers[i].Address, port) }
	}
	p.services = []playService{
		{"web", "tcp", lab.VIP + ":80", v4(80), "-t " + lab.VIP + ":80",
			func(ctx context.Context) (string, error) { return p.Client.HTTP(ctx, lab.VIP+":80") }},
		{"dns", "udp", lab.VIP + ":53", v4(53), "-u " + lab.VIP + ":53",
			func(ctx context.Context) (string, error) { return p.Client.UDP(ctx, lab.VIP+":53") }},
	}
	if mode != lab.TUN {
		v6 := func(i int) string { return fmt.Sprintf("[%s]:80", l.RealServers[i].Address6) }
		p.services = append(p.services, playService{"web6", "tcp", "[" + lab.VIP6 + "]:80", v6, "-t [" + lab.VIP6 + "]:80",
			func(ctx context.Context) (string, error) { return p.Client.HTTP(ctx, "["+lab.VIP6+"]:80") }})
	}
	return p
}

// configuration is the play's, with these weights for the first three real servers.
func (p *play) configuration(weights ...int) string {
	var b strings.Builder
	b.WriteString("director {\n  name = \"dir1\"\n}\n")
	for _, s := range p.services {
		fmt.Fprintf(&b, `
virtual_server %q {
  address   = %q
  protocol  = %q
  scheduler = "wrr"
  forward   = %q

  check "http" {
    interval       = "1s"
    timeout        = "1s"
    retry_interval = "100ms"
    fall           = 3
    rise           = 1
    port           = 80
  }
`, s.name, s.address, s.protocol, p.lab.Mode)
		for i, w := range weights {
			fmt.Fprintf(&b, "\n  real_server %q {\n    weight = %d\n  }\n", s.server(i), w)
		}
		fmt.Fprintf(&b, "\n  sorry_server %q {}\n}\n", s.server(3))
	}
	return b.String()
}

// want is a service's part of the table with these weights; -1 leaves a server out.
func (s playService) want(weights ...int) map[string]int {
	m := map[string]int{}
	for i, w := range weights {
		if w >= 0 {
			m[s.server(i)] = w
		}
	}
	return m
}

// untilAll waits until every service has these weights.
func (p *play) untilAll(t *testing.T, weights ...int) {
	t.Helper()
	for _, s := range p.services {
		if _, err := p.UntilTable(ctx, 20*time.Second, s.table, s.want(weights...)); err != nil {
			t.Fatal(err)
		}
	}
}

// expectAnswers counts answers of every service.
func (p *play) expectAnswers(t *testing.T, want map[string]int) {
	t.Helper()
	n := 0
	for _, w := range want {
		n += w
	}
	for _, s := range p.services {
		answers := traffic.Ask(ctx, n, s.ask)
		if d := cmp.Diff(want, traffic.Tally(answers)); d != "" {
			t.Errorf("answers of %s (-want +got):\n%s%v", s.name, d, traffic.Failures(answers))
		}
	}
}

func (p *play) writes(t *testing.T) uint64 {
	t.Helper()
	st, err := p.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return st.Balancer.Writes
}

func (p *play) reload(t *testing.T, hcl string) (output string, exit int) {
	t.Helper()
	if err := p.Configure(ctx, hcl); err != nil {
		t.Fatal(err)
	}
	output, exit, err := p.Evenkeel(ctx, "reload")
	if err != nil {
		t.Fatal(err)
	}
	return output, exit
}
