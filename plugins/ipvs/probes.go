package ipvs

import (
	"net/netip"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A service of the director's own probes has one real server. With dr and tun this answers with the virtual address as its
// source, which on the master is one of the director's own: Linux takes such packets for forged and drops them
// (fib_validate_source in net/ipv4/fib_frontend.c), unless accept_local of the interface says otherwise (ip-sysctl.rst).
// IPv6 has no such check.

// acceptLocal sees to it that answers to probes are let in, at the interfaces by which their real servers are reached. It
// looks again when it does not know them all, and after each look for drift.
func (b *Balancer) acceptLocal(result *sdk.ApplyResult) {
	if b.DryRun || b.Sysctl == nil || b.Interface == nil {
		return
	}
	fail := func(operation string, err error) {
		result.Failures = append(result.Failures, sdk.Failure{Operation: operation, Error: err.Error()})
	}
	for key, s := range b.want.services {
		if !s.Probe || key.Mark == 0 || s.Key.Is6() {
			continue
		}
		for _, d := range s.Destinations {
			if d.Forward == sdk.NAT || b.answers[d.Address] {
				continue
			}
			name, err := b.Interface(d.Address)
			if err != nil {
				continue // the probe says so, and goes on saying it until there is a route
			}
			sysctl := "net/ipv4/conf/" + name + "/accept_local"
			changed, err := b.Sysctl(sysctl, "1")
			if err != nil {
				fail("set "+sysctl, err)
				continue
			}
			if changed {
				result.Writes++
			}
			if b.answers == nil {
				b.answers = make(map[netip.Addr]bool)
			}
			b.answers[d.Address] = true
		}
	}
}
