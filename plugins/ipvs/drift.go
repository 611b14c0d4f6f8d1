package ipvs

import (
	"context"
	"slices"
	"time"

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
	should := b.have
	b.have, b.packetOK, b.answers = nil, false, nil
	var r sdk.BalancerReport
	err := b.adopt()
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
