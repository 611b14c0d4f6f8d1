package core

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A probeCount is what the probes of one target did since the core's start, for status and metrics.
type probeCount struct {
	successes, failures uint64
	latency             time.Duration
	lastError           string
}

// attachCheck serves the incarnations of one check type: all targets first, then every change; verdicts come back.
func (d *daemon) attachCheck(typ string, f *feed[sdk.TargetUpdate]) func(context.Context, *supervisor.Instance) error {
	return func(ctx context.Context, in *supervisor.Instance) error {
		c := in.Checker()
		f.needFull()
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error {
			return c.Watch(ctx, func(r sdk.CheckReport) {
				select {
				case d.reports <- r:
				case <-ctx.Done():
				}
			})
		})
		g.Go(func() error {
			return f.pump(ctx, func() (u sdk.TargetUpdate, ok bool) {
				ok = d.call(ctx, func() { u = d.director.Targets(typ) })
				return u, ok
			}, func(u sdk.TargetUpdate) error {
				actx, cancel := context.WithTimeout(ctx, applyTimeout)
				defer cancel()
				if err := c.Apply(actx, u); err != nil {
					return fmt.Errorf("telling check-%s its targets: %w", typ, err)
				}
				return nil
			})
		})
		return g.Wait()
	}
}

// report takes in what a check plugin saw.
func (d *daemon) report(r sdk.CheckReport) {
	for _, s := range r.Summaries {
		p := d.probes[s.TargetID]
		if p == nil {
			p = &probeCount{}
			d.probes[s.TargetID] = p
		}
		p.successes += s.Successes
		p.failures += s.Failures
		p.latency = s.Latency
		p.lastError = s.LastError
	}
	if len(r.Verdicts) > 0 && d.director != nil {
		d.step(director.Verdicts{Now: time.Now(), Verdicts: r.Verdicts, Generation: r.Generation})
		d.unsaved.Store(true)
	}
}
