package sdk

import "github.com/evenkeel/evenkeel/plugins/sdk/internal/engine"

// A Starter is a Prober that can also probe without a goroutine and a context for each probe, for a type of which there
// are thousands of probes a second: checks "tcp" and "http". Schedule, spread, rise and fall, time-outs and verdicts stay
// those of every check. A Starter's methods are called one at a time; they return at once, and it has no timers. For a type
// that speaks TCP package switchboard has all of them but Takes and Start.
type Starter[C any] interface {
	Prober[C]
	// Takes says whether a target is probed by Start. The others are by Probe, and so is any when it is looked at once,
	// beside the schedule.
	Takes(t Target, config C) bool
	// Start begins the probe n of a target. n is at least 0, small, and that of another probe once this one has ended.
	Start(n int, t Target, config C)
	// Stop gives up the probe n, whose time is over, or whose target is gone. It returns the reason for the former.
	Stop(n int) error
	// Ended calls over with each probe that has ended and was not stopped, and how: nil is up. It is called after some were
	// begun, and after each Wait.
	Ended(over func(n int, err error))
	// Wait returns true when probes that took their time may have ended, and false once the Starter is closed. It alone is
	// called beside the other methods, and without a lock.
	Wait() bool
}

// A starter is a Starter as the engine knows it.
type starter[C any] struct {
	Starter[C]
	runner *runner[C]
}

func (s starter[C]) Takes(t *engine.Target) bool {
	config, err := s.runner.config(t.Config)
	return err == nil && !t.Egress.Toward.IsValid() && s.Starter.Takes(targetOf(*t), config)
}

func (s starter[C]) Start(n int, t *engine.Target) {
	config, _ := s.runner.config(t.Config) // which Takes has read already
	s.Starter.Start(n, targetOf(*t), config)
}
