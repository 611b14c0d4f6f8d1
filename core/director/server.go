package director

import (
	"net/netip"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A realServer is a real server and what is thought of it.
type realServer struct {
	cfg     *config.RealServer
	vs      *virtualServer
	subject string // in events: "web/10.1.0.11:80"
	order   int    // place in the virtual server
	targets []*target

	assumed sdk.State  // what it is while checks are unknown and none is down: up, or unknown without traffic
	granted sdk.Factor // what it had of its weight when that was assumed
	because string     // the reason for that
	state   sdk.State
	reason  string
	since   time.Time
	factor  sdk.Factor // see weight.go
	weigher *target    // that says so; nil when none does
	weight  uint32     // that it gets now as a real server; 0 also when it is out of the table

	mark       uint32        // of probes that go to the VIP by way of it; 0: none do
	heldWeight uint32        // that the kernel held at the start
	began      time.Time     // of the climb of a slow start; zero: it does not climb
	risen      time.Duration // how much of the climb's time has passed, at the last step
	arrived    bool          // this step is the last
	climbEvent uint64        // of the weight that the climb began with, or 0
	added      bool          // a reload has added it, and it has not been up

	was     uint32 // what it was worth when its virtual server was settled last
	fresh   bool   // a reload has added it, and nobody knew a weight of it before
	event   uint64 // the real_server event of this step, or 0
	weighed uint64 // what has changed the factor in this step, or 0
}

// observe works out the state from the verdicts and says whether it is another one.
func (s *realServer) observe() bool {
	before := s.state
	s.state, s.reason = s.judge()
	s.factor, s.weigher = s.weigh()
	return s.state != before
}

// judge returns the state that the verdicts make, with the reason: of the first check that is down, if one is.
func (s *realServer) judge() (sdk.State, string) {
	unknown := false
	for _, t := range s.targets {
		switch t.state() {
		case sdk.StateDown:
			return sdk.StateDown, t.verdict.Reason
		case sdk.StateUnknown:
			unknown = true
		}
	}
	switch {
	case unknown:
		return s.assumed, s.because
	case len(s.targets) == 0:
		return sdk.StateUp, "it has no checks"
	}
	for _, t := range s.targets {
		if t.held {
			return sdk.StateUp, "the brake holds it: " + t.verdict.Reason
		}
	}
	return sdk.StateUp, "all its checks are up"
}

// assume says what the server is taken for until its checks are known, other than by the virtual server's start_state.
func (s *realServer) assume(up bool, because string) {
	switch {
	case up:
		s.assumed, s.because = sdk.StateUp, because
	case s.vs.cfg.StartState == config.StartUp:
		s.assumed, s.because = sdk.StateUp, `start_state is "up" and its checks are not yet known`
	default:
		s.assumed, s.because = sdk.StateUnknown, "its checks are not yet known"
	}
}

// stateSince returns when the state began, as far as the verdicts tell: the first failure that lasts, or the last check
// that came up.
func (s *realServer) stateSince(otherwise time.Time) time.Time {
	var since time.Time
	for _, t := range s.targets {
		v := t.verdict
		switch {
		case v.State != s.state || v.Since.IsZero():
		case since.IsZero(),
			s.state == sdk.StateDown && v.Since.Before(since),
			s.state == sdk.StateUp && v.Since.After(since):
			since = v.Since
		}
	}
	if since.IsZero() {
		return otherwise
	}
	return since
}

// cause returns the check event of this step that made the state: of a check that is down for a server that is down, of
// the last one otherwise.
func (s *realServer) cause() uint64 {
	var cause uint64
	for _, t := range s.targets {
		if t.event == 0 {
			continue
		}
		if s.state == sdk.StateDown && t.verdict.State == sdk.StateDown {
			return t.event
		}
		cause = max(cause, t.event)
	}
	return cause
}

// addrPort returns what the kernel knows the server by within its service.
func (s *realServer) addrPort() netip.AddrPort { return netip.AddrPortFrom(s.cfg.Address, s.cfg.Port) }
