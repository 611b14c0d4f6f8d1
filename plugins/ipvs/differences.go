package ipvs

import (
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
)

// differences says, a line each, in what a table is not as it should be. In the desired one a time-out of 0 and a sync
// daemon's length of 0 mean that anything is right.
func differences(is, should *table, leave map[kernel.ServiceKey]bool) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, k := range should.keys() {
		if leave[k] {
			continue
		}
		want := should.services[k]
		have := is.services[k]
		if have == nil {
			say("%s: missing, with %d real servers", k, len(want.destinations))
			continue
		}
		if have.same(want) {
			continue
		}
		for _, d := range serviceDifferences(have.Service, want.Service) {
			say("%s: %s", k, d)
		}
		for _, dk := range want.sorted() {
			d, ok := have.destinations[dk]
			if !ok {
				say("%s -> %s: missing", k, dk)
				continue
			}
			for _, text := range destinationDifferences(d, want.destinations[dk]) {
				say("%s -> %s: %s", k, dk, text)
			}
		}
		for _, dk := range have.sorted() {
			if _, ok := want.destinations[dk]; !ok {
				say("%s -> %s: should not be there", k, dk)
			}
		}
	}
	for _, k := range is.keys() {
		if should.services[k] == nil && !leave[k] {
			say("%s: should not be there, with %d real servers", k, len(is.services[k].destinations))
		}
	}
	if t := timeoutsOver(is.timeouts, should.timeouts); t != is.timeouts {
		say("time-outs (tcp tcpfin udp): %d %d %d s, should be %d %d %d s",
			is.timeouts.TCP, is.timeouts.TCPFin, is.timeouts.UDP, t.TCP, t.TCPFin, t.UDP)
	}
	for _, backup := range []bool{false, true} {
		have, running := is.daemons[backup]
		want, wanted := should.daemons[backup]
		switch {
		case running && !wanted:
			say("%s: should not run", daemonName(backup))
		case !running && wanted:
			say("%s: does not run", daemonName(backup))
		case running && !sameDaemon(have, want):
			say("%s: %s, should be %s", daemonName(backup), describeDaemon(have), describeDaemon(want))
		}
	}
	return lines
}

// pairs collects "what is, should be should" for what differs.
type pairs []string

func (p *pairs) check(what string, is, should any) {
	if is != should {
		*p = append(*p, fmt.Sprintf("%s %v, should be %v", what, is, should))
	}
}

func serviceDifferences(is, should kernel.Service) []string {
	var p pairs
	p.check("scheduler", is.Scheduler, should.Scheduler)
	p.check("flags", flagText(is), flagText(should))
	p.check("persistence", persistenceText(is), persistenceText(should))
	p.check("persistence engine", orNone(is.Engine), orNone(should.Engine))
	return p
}

func destinationDifferences(is, should kernel.Destination) []string {
	var p pairs
	p.check("forward", is.Forward, should.Forward)
	p.check("weight", is.Weight, should.Weight)
	p.check("upper threshold", is.Upper, should.Upper)
	p.check("lower threshold", is.Lower, should.Lower)
	if is.Forward == should.Forward {
		p.check("tunnel", tunnelText(is.Tunnel), tunnelText(should.Tunnel))
	}
	return p
}

func persistenceText(s kernel.Service) string {
	if s.Flags&kernel.Persistent == 0 {
		return "none"
	}
	if s.Prefix == kernel.NoPrefix {
		return fmt.Sprintf("%d s by a netmask with holes", s.Timeout)
	}
	return fmt.Sprintf("%d s by /%d", s.Timeout, s.Prefix)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
