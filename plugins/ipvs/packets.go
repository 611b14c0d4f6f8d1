package ipvs

import (
	"errors"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// conntrackSysctl makes IPVS keep conntrack entries for its connections: without them there is nothing that the
// masquerade of fullnat could rewrite (ipvs-sysctl.rst).
const conntrackSysctl = "net/ipv4/vs/conntrack"

var errNoPackets = errors.New("there is no nftables here")

// When rules for packets are brought into force: those that come, before the services that need them, so that no
// connection of a new real server is without its masquerade; those that go, after. A mark for which there is no service
// does no harm: IPVS then goes by the address.
type when bool

const (
	beforeServices when = false
	afterServices  when = true
)

// mark brings the rules for packets into force. They are compared with what was in force last; after a look for drift,
// with what the kernel holds.
func (b *Balancer) mark(at when, result *sdk.ApplyResult) {
	rules := b.want.packets()
	if at == beforeServices {
		rules = rules.Union(b.packets)
	}
	switch same := rules.Equal(b.packets); {
	case same && (b.packetOK || b.DryRun):
		return
	case at == afterServices && !b.packetOK && !b.DryRun:
		return // it has failed just now
	case b.DryRun:
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
