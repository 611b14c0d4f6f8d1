package director

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// large returns a configuration of 1,000 virtual servers with 10 real servers each, and a check for each of those.
func large() *config.Config {
	cfg := new(config.Config)
	cfg.Director.Brake = config.Brake{Action: config.BrakeHold, Share: 50, Minimum: 10, Within: 10 * time.Second, Limit: 30 * time.Second}
	for i := range 1000 {
		vs := web(1, 1, 1, 1, 1, 1, 1, 1, 1, 1).VirtualServers[0]
		vs.Name = fmt.Sprintf("vs%d", i)
		vs.Service.Address = netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
		vs.StartState = config.StartUp
		cfg.VirtualServers = append(cfg.VirtualServers, vs)
	}
	return cfg
}

func BenchmarkNewOf1000VirtualServersWith10RealServers(b *testing.B) {
	cfg := large()
	b.ReportAllocs()
	for b.Loop() {
		New(cfg, Seed{})
	}
}

func BenchmarkStepOfOneVerdictAmong10000(b *testing.B) {
	d, _ := New(large(), Seed{})
	batches := [][]sdk.Verdict{down("vs500/10.1.0.5:80/tcp"), up("vs500/10.1.0.5:80/tcp")}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if out := d.Step(Verdicts{Verdicts: batches[n%2]}); out.Table.Generation == 0 {
			b.Fatal("the verdict changed nothing")
		}
		n++
	}
}

func BenchmarkStepOfOneChangedWeightAmong10000(b *testing.B) {
	configs := []*config.Config{large(), large()}
	configs[1].VirtualServers[500].RealServers[5].Weight = 2
	d, _ := New(configs[0], Seed{})
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if out := d.Step(Configure{Config: configs[n%2]}); len(out.Table.Changed) != 1 {
			b.Fatalf("got %+v", out.Table)
		}
	}
}

func BenchmarkStepOfOneChangedWeightAmong10000WhenTheRestIsTheSameValue(b *testing.B) {
	configs := []*config.Config{large(), large()}
	configs[1].VirtualServers[500].RealServers[5].Weight = 2
	configs[1] = share(configs[0], configs[1])
	d, _ := New(configs[0], Seed{})
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if out := d.Step(Configure{Config: configs[n%2]}); len(out.Table.Changed) != 1 {
			b.Fatalf("got %+v", out.Table)
		}
	}
}

func BenchmarkStepOf10000Verdicts(b *testing.B) {
	d, _ := New(large(), Seed{})
	batches := [2][]sdk.Verdict{}
	for _, t := range d.Targets("tcp").Targets {
		batches[0] = append(batches[0], down(t.ID)...)
		batches[1] = append(batches[1], up(t.ID)...)
	}
	n := 0
	for b.Loop() {
		d.Step(Verdicts{Verdicts: batches[n%2]})
		n++
	}
}
