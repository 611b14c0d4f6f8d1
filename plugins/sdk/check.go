package sdk

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"
)

// A Target is one thing to watch with one check.
type Target struct {
	ID       string     // the core's name of it: "web/192.168.12.246:80/http", "check.script.nginx"
	Address  netip.Addr // where to; the zero Addr for a type that needs none (script, file)
	Port     uint16     // 0 where the type has none (ping)
	Egress   Egress     // how its probes leave the director; only of a type whose schema declares that
	Schedule Schedule
	Config   json.RawMessage // the attributes of the type's own schema, defaults filled in
	Initial  State           // the verdict that the core holds; StateUnknown lets the first probe decide
	Factor   Factor          // of that verdict
}

// A Schedule says when a target is probed and how many results make a verdict.
type Schedule struct {
	Interval      time.Duration // from the start of one probe to the start of the next
	Timeout       time.Duration // a probe that takes longer has failed
	RetryInterval time.Duration // in place of Interval while results contradict the verdict; 0: Interval
	Fall          int           // failures in a row that take an up target down; at least 1
	Rise          int           // successes in a row that take a down target up; at least 1

	// Spread is the time over which the first probes of new targets are spread, evenly. 0: those of which nothing is known
	// are looked at as soon as the machine carries it, the others within their intervals.
	Spread time.Duration
}

// A State is what a check says of its target.
type State uint8

// The states. Unknown means not yet probed.
const (
	StateUnknown State = iota
	StateUp
	StateDown
)

// String returns "unknown", "up" or "down".
func (s State) String() string {
	switch s {
	case StateUp:
		return "up"
	case StateDown:
		return "down"
	}
	return "unknown"
}

// A Verdict is a target's state after rise and fall. It is sent when its State or its Factor changes, and for every target
// when a watch begins.
type Verdict struct {
	TargetID string
	State    State
	Reason   string    // why, in words for an operator: "HTTP 503", "connect: connection refused"; at most 512 bytes
	Since    time.Time // of the probe that made the State so
	Factor   Factor    // while up; only of a type whose schema says that it weighs
}

// A Summary is what a target's probes did since the last one.
type Summary struct {
	TargetID  string
	Successes uint64
	Failures  uint64
	Latency   time.Duration // of the last probe
	LastError string        // of the last failed probe, also when it changed no verdict
}

// A TargetUpdate says what to probe. A full one replaces everything.
type TargetUpdate struct {
	Generation uint64
	Full       bool
	Targets    []Target // added or changed
	Removed    []string // IDs; only when not full
}

// A CheckReport is one message of a check plugin's stream.
type CheckReport struct {
	Generation uint64 // of the last TargetUpdate that the plugin had taken in
	Snapshot   bool   // Verdicts has all targets, those still unknown included
	Verdicts   []Verdict
	Summaries  []Summary
}

// A Checker is a check plugin as the core sees it.
type Checker interface {
	// Apply takes in what to probe and returns before anything was probed.
	Apply(ctx context.Context, u TargetUpdate) error
	// Watch calls report with a snapshot, then with every change and, now and then, with summaries, until ctx ends
	// or the plugin is gone; it returns a non-nil error then. report is never called concurrently.
	Watch(ctx context.Context, report func(CheckReport)) error
	// Probe looks at a target once, now, and says what it saw: nil is up.
	Probe(ctx context.Context, t Target) error
}
