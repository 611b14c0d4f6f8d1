package director

import (
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// An Input is something that happened: Configure, Verdicts, Tick, Note and others. Its methods are this package's, so there are no others.
type Input interface{ input() }

// Configure puts a new configuration in the place of the old one. A nil Config changes nothing.
//
// Verdicts live on where the probe is the same: of the same ID, or of the same real server of the same service under a
// new name. A real server that was up stays up until the first verdicts of its changed checks, whatever start_state
// says: a reload cuts no traffic.
type Configure struct {
	Now    time.Time
	Config *config.Config
}

// Verdicts are what a check plugin reported. Those of targets that are not configured change nothing, and neither does an
// unknown one: a plugin that has just started takes nothing back. Of several for one target the last counts; otherwise
// their order makes no difference.
type Verdicts struct {
	Now      time.Time
	Verdicts []sdk.Verdict

	// Generation is that of the targets which the plugin knew when it reported, as in sdk.CheckReport. A verdict that
	// is older than its target's probe, in the same ID, is about another probe and changes nothing. 0: not known.
	Generation uint64
}

// Tick says what time it is, when Output.Wake has asked for it. One that nobody asked for, or that comes early or late, does
// what is due by then and no more.
type Tick struct{ Now time.Time }

func (Tick) input()      {}
func (Configure) input() {}
func (Verdicts) input()  {}
