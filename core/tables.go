package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// applyTimeout bounds one update of the balancer; ten thousand real servers take it about a second.
const applyTimeout = 60 * time.Second

// A tableState is what the loop knows of the kernel's table.
type tableState struct {
	attached bool
	balancer sdk.Balancer // of the incarnation that runs, nil when none does
	writes   uint64       // since the core's start
	applied  uint64       // generation that the kernel has
	ready    bool         // Options.Ready was called
	failures map[sdk.ServiceKey][]sdk.Failure
	drift    []string
	driftAt  time.Time
	waiters  []applyWaiter
}

// An applyWaiter is told when the kernel has a generation, and what the writes came to.
type applyWaiter struct {
	generation uint64
	writes     uint64 // when it began to wait
	done       chan<- uint32
}

// attachBalancer serves one incarnation of the balancer: what the kernel holds goes to the director if it waits for it,
// then the whole table goes to the plugin, then every change.
func (d *daemon) attachBalancer(ctx context.Context, in *supervisor.Instance) error {
	b := in.Balancer()
	held, err := b.Read(ctx)
	d.log.Debug("the kernel's table is read", "services", len(held.Services), "after", time.Since(d.started).Round(time.Millisecond))
	if err != nil {
		return fmt.Errorf("reading the kernel's table: %w", err)
	}
	if !d.call(ctx, func() {
		d.table.attached, d.table.balancer = true, b
		d.begin(held)
	}) {
		return ctx.Err()
	}
	defer d.call(context.Background(), func() {
		if d.table.balancer == b {
			d.table.balancer = nil
		}
	})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.Watch(ctx, func(r sdk.BalancerReport) { d.call(ctx, func() { d.drifted(r) }) }) })
	g.Go(func() error { return d.pumpTables(ctx, b) })
	return g.Wait()
}

// pumpTables carries updates to a balancer. The first one is the whole table; an update that the balancer will not
// build on is followed by a whole one.
func (d *daemon) pumpTables(ctx context.Context, b sdk.Balancer) error {
	d.tables.needFull()
	var at uint64
	return d.tables.pump(ctx, func() (u sdk.TableUpdate, ok bool) {
		ok = d.call(ctx, func() { u = d.director.Table() })
		return u, ok
	}, func(u sdk.TableUpdate) error {
		if !u.Full && u.Generation <= at {
			return nil // it is part of the full one that was sent
		}
		actx, cancel := context.WithTimeout(ctx, applyTimeout)
		defer cancel()
		res, err := b.Apply(actx, u)
		if errors.Is(err, sdk.ErrNeedFull) {
			d.tables.needFull()
			return nil
		}
		if err != nil {
			return fmt.Errorf("bringing the table to generation %d: %w", u.Generation, err)
		}
		at = u.Generation
		d.call(ctx, func() { d.applied(u, res) })
		return nil
	})
}

// applied notes what an update did to the kernel.
func (d *daemon) applied(u sdk.TableUpdate, res sdk.ApplyResult) {
	t := &d.table
	t.writes += uint64(res.Writes)
	t.applied = u.Generation
	before := len(t.failures)
	if u.Full {
		clear(t.failures)
	}
	for _, s := range u.Table.Services {
		delete(t.failures, s.Key)
	}
	for _, k := range u.Removed {
		delete(t.failures, k)
	}
	for _, c := range u.Changed {
		delete(t.failures, c.Service)
	}
	for _, f := range res.Failures {
		t.failures[f.Service] = append(t.failures[f.Service], f)
		d.log.Error("the kernel refuses a part of the table", "failure", failureText(f))
	}
	if len(t.failures) != before {
		to := "complete"
		if len(t.failures) > 0 {
			to = fmt.Sprintf("incomplete: %d virtual services refused in part", len(t.failures))
		}
		d.note(director.Note{Kind: "table", Subject: "ipvs", To: to})
	}
	keep := t.waiters[:0]
	for _, w := range t.waiters {
		if w.generation > t.applied {
			keep = append(keep, w)
			continue
		}
		w.done <- uint32(t.writes - w.writes)
	}
	t.waiters = keep
	d.log.Debug("the kernel has the table", "generation", u.Generation, "full", u.Full, "writes", res.Writes)
	if !t.ready {
		t.ready = true
		select {
		case <-d.inPlace:
		default:
			close(d.inPlace)
		}
		d.setPlugins(d.config) // the check plugins have waited, so that the table was not kept waiting by probes
		d.log.Info("the table is in place", "writes", res.Writes, "after", time.Since(d.started).Round(time.Millisecond))
		if d.o.Ready != nil {
			d.o.Ready()
		}
	}
}

// drifted notes what somebody else did to the table, and that it was repaired.
func (d *daemon) drifted(r sdk.BalancerReport) {
	if len(r.Drift) > 0 {
		d.table.drift, d.table.driftAt = r.Drift, r.Time
		d.table.writes += uint64(len(r.Drift))
		for _, line := range r.Drift {
			d.note(director.Note{Kind: "drift", Subject: "ipvs", To: "repaired", Reason: line})
		}
	}
	for _, f := range r.Failure {
		d.log.Error("the table drifted and cannot be repaired", "failure", failureText(f))
		d.table.failures[f.Service] = append(d.table.failures[f.Service][:0], f)
	}
}

func failureText(f sdk.Failure) string {
	s := f.Service.String()
	if f.Destination != "" {
		s += " -> " + f.Destination
	}
	return s + ": " + f.Operation + ": " + f.Error
}
