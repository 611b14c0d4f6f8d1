package ipvs

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func full(generation uint64, t sdk.Table) sdk.TableUpdate {
	return sdk.TableUpdate{Generation: generation, Full: true, Table: t}
}

// apply applies an update and fails the test when anything is refused.
func apply(t *testing.T, b *Balancer, u sdk.TableUpdate) sdk.ApplyResult {
	t.Helper()
	r, err := b.Apply(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		t.Errorf("%s %s: %s: %s", f.Service, f.Destination, f.Operation, f.Error)
	}
	return r
}

// noPackets stands for nftables where a test is not about it.
type noPackets struct{}

func (noPackets) Apply(nft.Rules) (bool, error) { return false, nil }

// leftOpen keeps a Balancer that is stopped from closing the kernel that a test goes on with.
type leftOpen struct{ kernel.Kernel }

func (leftOpen) Close() error { return nil }

func newBalancer(t *testing.T, k kernel.Kernel) *Balancer {
	t.Helper()
	b := New(Options{Kernel: leftOpen{k}, Packets: noPackets{}})
	t.Cleanup(func() { b.Stop(t.Context(), false) })
	return b
}
