package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/evenkeel/evenkeel/plugins/sdk/internal/engine"
)

// A runner is the Checker of a type that has only a probe, or a Starter: the check engine with decoded configurations.
type runner[C any] struct {
	engine *engine.Engine
	host   Host
	weighs bool // whether the type has declared that its verdicts may have factors
	probe  func(context.Context, Target, C) error
	close  func() error // of what the probes share
	hasty  bool         // whether probes may ask for the next one: those that share something

	apply   sync.Mutex // one Apply at a time
	targets map[string]string

	mu      sync.RWMutex
	configs map[string]*decoded[C] // by their JSON
}

// A decoded is a configuration that some targets share.
type decoded[C any] struct {
	config C
	users  int
}

func newRunner[C any](h Host, weighs bool, probe func(context.Context, Target, C) error, fast Starter[C]) *runner[C] {
	r := &runner[C]{
		host:    h,
		weighs:  weighs,
		probe:   probe,
		close:   func() error { return nil },
		targets: make(map[string]string),
		configs: make(map[string]*decoded[C]),
	}
	config := engine.Config{Probe: r.call}
	if fast != nil {
		config.Starter = starter[C]{fast, r}
	}
	r.engine = engine.New(config)
	return r
}

// Apply takes in what to probe. An update with a configuration that can't be read is refused as a whole.
func (r *runner[C]) Apply(_ context.Context, u TargetUpdate) error {
	r.apply.Lock()
	defer r.apply.Unlock()

	fresh := make(map[string]C)
	targets := make([]engine.Target, len(u.Targets))
	for i, t := range u.Targets {
		targets[i] = engineTarget(t)
		key := string(t.Config)
		if _, ok := fresh[key]; ok || r.known(key) {
			continue
		}
		c, err := Decode[C](t.Config)
		if err != nil {
			return fmt.Errorf("target %q: %w", t.ID, err)
		}
		fresh[key] = c
	}

	r.keep(u, fresh)
	r.engine.Apply(u.Generation, u.Full, targets, u.Removed)
	r.sweep()
	return nil
}

func (r *runner[C]) known(key string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.configs[key] != nil
}

// keep counts who uses which configuration after u.
func (r *runner[C]) keep(u TargetUpdate, fresh map[string]C) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, c := range fresh {
		r.configs[key] = &decoded[C]{config: c}
	}
	drop := func(id string) {
		if key, ok := r.targets[id]; ok {
			r.configs[key].users--
			delete(r.targets, id)
		}
	}
	named := make(map[string]bool, len(u.Targets))
	for _, t := range u.Targets {
		drop(t.ID)
		r.targets[t.ID] = string(t.Config)
		r.configs[string(t.Config)].users++
		named[t.ID] = true
	}
	if u.Full {
		for id := range r.targets {
			if !named[id] {
				drop(id)
			}
		}
		return
	}
	for _, id := range u.Removed {
		if !named[id] {
			drop(id)
		}
	}
}

// sweep forgets the configurations that nobody uses any more.
func (r *runner[C]) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, d := range r.configs {
		if d.users == 0 {
			delete(r.configs, key)
		}
	}
}

// config returns a decoded configuration, also of a target that is just being removed.
func (r *runner[C]) config(raw json.RawMessage) (C, error) {
	r.mu.RLock()
	d := r.configs[string(raw)]
	r.mu.RUnlock()
	if d != nil {
		return d.config, nil
	}
	return Decode[C](raw)
}

// Watch tells verdicts.
func (r *runner[C]) Watch(ctx context.Context, report func(CheckReport)) error {
	return r.engine.Watch(ctx, func(e engine.Report) { report(reportOf(e)) })
}

// Probe probes once, beside the schedule.
func (r *runner[C]) Probe(ctx context.Context, t Target) error {
	return r.engine.Probe(ctx, engineTarget(t))
}

// Stop ends the schedule, and then what the probes share.
func (r *runner[C]) Stop(context.Context, bool) error {
	r.engine.Close()
	return r.close()
}

// call is what the engine probes with.
func (r *runner[C]) call(ctx context.Context, t engine.Target) (w engine.Weight, err error) {
	config, err := r.config(t.Config)
	if err != nil {
		return w, err
	}
	if r.weighs {
		var said func() (Factor, string)
		ctx, said = Weighing(ctx)
		defer func() {
			f, reason := said()
			w = engine.Weight{Factor: engine.Factor(f), Reason: reason}
		}()
	}
	if r.hasty {
		ctx = context.WithValue(ctx, hastenKey{}, func() { r.engine.Hasten(t.ID) })
	}
	target := targetOf(t)
	if target.Egress, err = target.Egress.Resolve(t.Address); err != nil {
		return w, err
	}
	return w, guard(r.host.Logger, "Probe", func() error {
		return r.probe(withHost(ctx, r.host), target, config)
	})
}

func engineTarget(t Target) engine.Target {
	return engine.Target{
		ID:       t.ID,
		Address:  t.Address,
		Port:     t.Port,
		Interval: t.Schedule.Interval,
		Timeout:  t.Schedule.Timeout,
		Retry:    t.Schedule.RetryInterval,
		Fall:     t.Schedule.Fall,
		Rise:     t.Schedule.Rise,
		Spread:   t.Schedule.Spread,
		Egress:   engine.Egress(t.Egress),
		Config:   t.Config,
		Initial:  engine.State(t.Initial),
		Factor:   engine.Factor(t.Factor),
	}
}

func targetOf(t engine.Target) Target {
	return Target{
		ID:       t.ID,
		Address:  t.Address,
		Port:     t.Port,
		Schedule: Schedule{Interval: t.Interval, Timeout: t.Timeout, RetryInterval: t.Retry, Fall: t.Fall, Rise: t.Rise, Spread: t.Spread},
		Egress:   Egress(t.Egress),
		Config:   t.Config,
		Initial:  State(t.Initial),
		Factor:   Factor(t.Factor),
	}
}

func reportOf(e engine.Report) CheckReport {
	return CheckReport{
		Generation: e.Generation,
		Snapshot:   e.Snapshot,
		Verdicts: each(e.Verdicts, func(v engine.Verdict) Verdict {
			return Verdict{TargetID: v.ID, State: State(v.State), Reason: v.Reason, Since: v.Since, Factor: Factor(v.Factor)}
		}),
		Summaries: each(e.Summaries, func(s engine.Summary) Summary {
			return Summary{TargetID: s.ID, Successes: s.Successes, Failures: s.Failures, Latency: s.Latency, LastError: s.LastError}
		}),
	}
}
