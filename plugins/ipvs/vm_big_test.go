package ipvs

import (
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func bigTable(services, servers int) sdk.Table {
	var t sdk.Table
	for i := range services {
		s := sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.AddrFrom4([4]byte{10, 100, byte(i >> 8), byte(i)}), Port: 80}, Scheduler: "wrr"}
		for j := range servers {
			n := i*servers + j
			s.Destinations = append(s.Destinations, sdk.Destination{Address: netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}), Port: 80, Forward: sdk.DR, Weight: 1})
		}
		t.Services = append(t.Services, s)
	}
	return t
}

func TestVMAThousandServicesOfTenAreFilledAdoptedAndChanged(t *testing.T) {
	k := realKernel(t)
	table := bigTable(1000, 10)
	b := newBalancer(t, k)
	took := func(what string, writes int, f func() sdk.ApplyResult) {
		start := time.Now()
		r := f()
		t.Logf("%-28s %6d writes in %v", what, r.Writes, time.Since(start).Round(100*time.Microsecond))
		if r.Writes != writes {
			t.Errorf("%s: %d writes, want %d", what, r.Writes, writes)
		}
	}
	took("fill an empty kernel", 11000, func() sdk.ApplyResult { return apply(t, b, full(1, table)) })
	took("the same again", 0, func() sdk.ApplyResult { return apply(t, b, full(2, table)) })
	took("one weight, as a delta", 1, func() sdk.ApplyResult {
		d := table.Services[500].Destinations[5]
		d.Weight = 7
		return apply(t, b, sdk.TableUpdate{Generation: 3, Base: 2, Changed: []sdk.DestinationUpdate{{Service: table.Services[500].Key, Destination: d}}})
	})
	table.Services[500].Destinations[5].Weight = 7
	took("restart", 0, func() sdk.ApplyResult { return apply(t, newBalancer(t, k), full(1, table)) })
	took("look for drift", 0, func() sdk.ApplyResult { b.repair(); return sdk.ApplyResult{} })
	took("read with counters", 0, func() sdk.ApplyResult {
		if o, err := b.Read(t.Context()); err != nil || len(o.Services) != 1000 || len(o.Services[999].Destinations) != 10 {
			t.Errorf("read %d services, %v", len(o.Services), err)
		}
		return sdk.ApplyResult{}
	})
	took("remove everything", 1000, func() sdk.ApplyResult { return apply(t, b, full(4, sdk.Table{})) })
}
