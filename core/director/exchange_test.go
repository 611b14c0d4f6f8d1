package director

import (
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// That an exchange gives what a comparison of everything gives is what the simulation shows, whose twin compares everything.
func TestVirtualServersThatStayWhatTheyAreToOthersAreExchanged(t *testing.T) {
	named := &config.Check{Type: "script", Name: "disk", Interval: time.Second}
	for name, test := range map[string]struct {
		change func(cfg *config.Config, web *config.VirtualServer)
		want   bool
	}{
		"nothing":            {func(*config.Config, *config.VirtualServer) {}, true},
		"a weight":           {func(_ *config.Config, web *config.VirtualServer) { web.RealServers[0].Weight = 7 }, true},
		"a scheduler":        {func(_ *config.Config, web *config.VirtualServer) { web.Scheduler = "rr" }, true},
		"the check's config": {func(_ *config.Config, web *config.VirtualServer) { web.RealServers[0].Checks[0].Config = []byte("{}") }, true},
		"a server more": {func(_ *config.Config, web *config.VirtualServer) {
			web.RealServers = append(web.RealServers, realServerOf(9, 1))
		}, false},
		"a check less":        {func(_ *config.Config, web *config.VirtualServer) { web.RealServers[0].Checks = nil }, false},
		"a check with a name": {func(_ *config.Config, web *config.VirtualServer) { web.RealServers[0].Checks[0] = named }, false},
		"another service":     {func(_ *config.Config, web *config.VirtualServer) { web.Service.Port = 81 }, false},
		"a named check more":  {func(cfg *config.Config, _ *config.VirtualServer) { cfg.Checks = []*config.Check{named} }, false},
		"a time-out":          {func(cfg *config.Config, _ *config.VirtualServer) { cfg.IPVS.Timeouts.UDP = time.Minute }, false},
		"a sync daemon":       {func(cfg *config.Config, _ *config.VirtualServer) { cfg.IPVS.Sync = []config.Sync{{Interface: "eth0"}} }, false},
		"none at all":         {func(cfg *config.Config, _ *config.VirtualServer) { cfg.VirtualServers = nil }, false},
		"an empty place":      {func(cfg *config.Config, _ *config.VirtualServer) { cfg.VirtualServers[0] = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := allUp(web(1, 1), 2)
			before := d.Status()
			cfg := web(1, 1)
			test.change(cfg, cfg.VirtualServers[0])
			if _, ok := d.exchange(cfg); ok != test.want {
				t.Errorf("exchanged: %v, want %v", ok, test.want)
			}
			if !test.want && d.Status().VirtualServers[0].Weight != before.VirtualServers[0].Weight {
				t.Error("something was done")
			}
		})
	}
}

func TestARedirectedFollowerAndAnotherInstanceAreNoExchange(t *testing.T) {
	d, _ := New(following(1), Seed{Now: start})
	cfg := following(1)
	cfg.Checks = d.checks
	cfg.VRRPInstances[0].Track[0].Check = d.checks[0]
	if _, ok := d.exchange(cfg); !ok {
		t.Error("instances that are equal are not exchanged")
	}
	cfg = following(1)
	cfg.Checks = d.checks
	cfg.VRRPInstances[0].Priority = 7
	if _, ok := d.exchange(cfg); ok {
		t.Error("another priority is an exchange of virtual servers")
	}
}
