package ipvs

import (
	"context"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// look looks for drift every Interval.
func (b *Balancer) look(ctx context.Context) {
	ticker := time.NewTicker(b.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			b.repair()
		}
	}
}

// repair reads the kernel's table, reports in what it is other than this side made it, and makes it right again. What the
// kernel refused before is tried again, too.
func (b *Balancer) repair() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.want == nil || b.DryRun {
		return
	}
	is, err := b.readBeside()
	should := b.have
	b.have, b.packetOK, b.answers = is, false, nil
	var r sdk.BalancerReport
	if err == nil {
		if should != nil {
			r.Drift = differences(b.have, should, nil)
		}
		b.packetDrift = false
		var result sdk.ApplyResult
		if result, err = b.converge(nil, false); err == nil {
			r.Failure = result.Failures
		}
		if b.packetDrift {
			r.Drift = append(r.Drift, "nftables table inet "+nft.Name+": was not as it should be")
		}
	}
	if err != nil {
		b.have = nil
		r.Failure = []sdk.Failure{{Operation: "look for drift", Error: err.Error()}}
	}
	if slices.Equal(r.Failure, b.failing) {
		r.Failure = nil // known
	} else {
		b.failing = r.Failure
	}
	b.report(r)
}

// readBeside reads the kernel's table, and lets go of the lock while it does: ten thousand real servers take a tenth of a
// second, for which no change of the table should wait. Of what was written meanwhile, which may be seen or not, the
// mirror is right.
func (b *Balancer) readBeside() (*table, error) {
	b.written = make(map[kernel.ServiceKey]bool)
	b.mu.Unlock()
	is, err := readTable(b.write)
	b.mu.Lock()
	written := b.written
	b.written = nil
	switch {
	case err != nil:
		return nil, err
	case b.have == nil: // something went wrong meanwhile, and nobody knows what was written
		return readTable(b.write)
	}
	for key := range written {
		if s := b.have.services[key]; s != nil {
			is.services[key] = s
		} else {
			delete(is.services, key)
		}
	}
	if written[kernel.ServiceKey{}] {
		is.timeouts, is.daemons = b.have.timeouts, b.have.daemons
	}
	return is, nil
}
