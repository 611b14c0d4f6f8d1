package director

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// This file says in words what a reload changes, for the reason of a config event. That something is different and that
// it is said are the same here: what these functions overlook makes no event.

// maxDifferences is how many a summary names.
const maxDifferences = 8

// summary joins differences, the first few of them.
func summary(diff []string) string {
	if n := len(diff) - maxDifferences; n > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(diff[:maxDifferences], ", "), n)
	}
	return strings.Join(diff, ", ")
}

// differences compares a virtual server with what it was.
func differences(old, vs *virtualServer) []string {
	var diff []string
	was, is := old.cfg, vs.cfg
	compare(&diff, "name", was.Name, is.Name)
	if old.service.Key != vs.service.Key {
		compare(&diff, "service", old.service.Key.String(), vs.service.Key.String())
	} else if !slices.EqualFunc(was.Service.Match, is.Service.Match, sameMatch) {
		diff = append(diff, "match changed")
	}
	compare(&diff, "scheduler", was.Scheduler, is.Scheduler)
	if !slices.Equal(was.Flags, is.Flags) {
		diff = append(diff, "scheduler flags changed")
	}
	compare(&diff, "one_packet", was.OnePacket, is.OnePacket)
	if !samePointee(was.Persistence, is.Persistence) {
		diff = append(diff, "persistence changed")
	}
	compare(&diff, "quorum", was.Quorum, is.Quorum)
	compare(&diff, "hysteresis", was.Hysteresis, is.Hysteresis)
	compare(&diff, "on_failure", was.OnFailure, is.OnFailure)
	compare(&diff, "start_state", was.StartState, is.StartState)
	if was.ChecksFollow != is.ChecksFollow {
		diff = append(diff, "checks_follow changed")
	}
	if !sameSorryServer(was.SorryServer, is.SorryServer) {
		diff = append(diff, "sorry_server changed")
	}
	if !sameSorryPage(was.SorryPage, is.SorryPage) {
		diff = append(diff, "sorry_page changed")
	}
	for _, s := range vs.servers {
		if before := old.byAddr[s.addrPort()]; before != nil {
			diff = serverDifferences(diff, before, s)
		} else {
			diff = append(diff, fmt.Sprintf("real_server %s added", s.cfg.Name))
		}
	}
	for _, s := range old.servers {
		if vs.byAddr[s.addrPort()] == nil {
			diff = append(diff, fmt.Sprintf("real_server %s removed", s.cfg.Name))
		}
	}
	return diff
}

// serverDifferences compares a real server with what it was.
func serverDifferences(diff []string, old, s *realServer) []string {
	was, is := old.cfg, s.cfg
	before := len(diff)
	compare(&diff, "name", was.Name, is.Name)
	compare(&diff, "weight", was.Weight, is.Weight)
	compare(&diff, "slow_start", was.SlowStart, is.SlowStart)
	compare(&diff, "forward", was.Forward, is.Forward)
	if was.Tunnel != is.Tunnel {
		diff = append(diff, "tunnel changed")
	}
	compare(&diff, "max_connections", was.MaxConnections, is.MaxConnections)
	compare(&diff, "min_connections", was.MinConnections, is.MinConnections)
	if !slices.EqualFunc(old.targets, s.targets, sameWatch) {
		diff = append(diff, "checks changed")
	}
	for i := before; i < len(diff); i++ {
		diff[i] = fmt.Sprintf("real_server %s: %s", is.Name, diff[i])
	}
	return diff
}

// compare adds "name before -> after" if the two differ.
func compare[T comparable](diff *[]string, name string, was, is T) {
	if was != is {
		*diff = append(*diff, fmt.Sprintf("%s %v -> %v", name, was, is))
	}
}

// sameWatch says whether two targets watch the same thing at the same pace, under whatever ID.
func sameWatch(a, b *target) bool {
	return a.sameProbe(b) && a.spec.Schedule == b.spec.Schedule && a.check.Name == b.check.Name
}

func sameMatch(a, b config.Match) bool {
	return a.Address == b.Address && a.Protocol == b.Protocol && slices.Equal(a.Ports, b.Ports)
}

func samePointee[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// sameSorryServer compares without the position in the file.
func sameSorryServer(a, b *config.SorryServer) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.Position, y.Position = config.Position{}, config.Position{}
	return x == y
}

// sameSorryPage compares without the position in the file.
func sameSorryPage(a, b *config.SorryPage) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.Position, y.Position = config.Position{}, config.Position{}
	return x == y
}

// ipvsDifferences compares what a plan asks of the kernel beside services with what was asked before.
func ipvsDifferences(d *Director, p *plan) []string {
	var diff []string
	for _, t := range []struct {
		name    string
		was, is time.Duration
	}{
		{"tcp", d.timeouts.TCP, p.timeouts.TCP},
		{"tcp_fin", d.timeouts.TCPFin, p.timeouts.TCPFin},
		{"udp", d.timeouts.UDP, p.timeouts.UDP},
	} {
		compare(&diff, "timeouts "+t.name, t.was, t.is)
	}
	if !slices.Equal(d.sync, syncDaemons(p.syncBlocks, p.byInstance)) {
		diff = append(diff, "sync changed")
	}
	return diff
}
