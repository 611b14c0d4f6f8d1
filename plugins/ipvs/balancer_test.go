package ipvs

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
)

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
