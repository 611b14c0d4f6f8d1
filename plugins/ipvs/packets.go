package ipvs

import (
	"errors"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// conntrackSysctl makes IPVS keep conntrack entries for its connections: without them there is nothing that the
// masquerade of fullnat could rewrite (ipvs-sysctl.rst).
const conntrackSysctl = "net/ipv4/vs/conntrack"

var errNoPackets = errors.New("there is no nftables here")

// mark brings the rules for packets into force. They are compared with what was in force last; after a look for drift,
// with what the kernel holds.
func (b *Balancer) mark(result *sdk.ApplyResult) {
	rules := b.want.packets()
	if rules.Equal(b.packets) && (b.packetOK || b.DryRun) {
		return
	}
	if b.DryRun {
		result.Writes++
		b.packets = rules
		return
	}
	fail := func(what string, err error) {
		b.packetOK = false
		result.Failures = append(result.Failures, sdk.Failure{Operation: what, Error: err.Error()})
	}
	b.packetOK = true
	if len(rules.Masquerade) > 0 && b.Sysctl != nil {
		if changed, err := b.Sysctl(conntrackSysctl, "1"); err != nil {
			fail("set "+conntrackSysctl, err)
		} else if changed {
			result.Writes++
		}
	}
	if b.Packets == nil {
		if !rules.Empty() {
			fail("mark packets", errNoPackets)
		}
		return
	}
	changed, err := b.Packets.Apply(rules)
	if err != nil {
		fail("mark packets", err)
		return
	}
	if changed {
		result.Writes++
		b.packetDrift = rules.Equal(b.packets)
	}
	b.packets = rules
}
