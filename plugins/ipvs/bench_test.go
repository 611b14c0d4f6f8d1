package ipvs

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// wide is a table of so many services with ten real servers each.
func wide(services int) sdk.TableUpdate {
	u := sdk.TableUpdate{Generation: 1, Full: true}
	for i := range services {
		s := sdk.Service{
			Key:       sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), Port: 80},
			Scheduler: "wrr",
		}
		for k := range 10 {
			s.Destinations = append(s.Destinations, sdk.Destination{
				Address: netip.MustParseAddr(fmt.Sprintf("10.%d.%d.%d", i>>8, i&255, k+1)), Port: 80, Weight: 1, Forward: sdk.DR})
		}
		u.Table.Services = append(u.Table.Services, s)
	}
	return u
}

// BenchmarkApplyOf1000ServicesWith10RealServers is a start into an empty table.
func BenchmarkApplyOf1000ServicesWith10RealServers(b *testing.B) {
	u := wide(1000)
	b.ReportAllocs()
	for b.Loop() {
		bal := New(Options{Kernel: nowhere{}})
		if r, err := bal.Apply(b.Context(), u); err != nil || r.Writes != 11000 {
			b.Fatal(r, err)
		}
		if err := bal.Stop(b.Context(), false); err != nil {
			b.Fatal(err)
		}
	}
}

// nowhere is a kernel that has nothing, takes everything and keeps none of it.
type nowhere struct{}

func (nowhere) Info() (kernel.Info, error)                                        { return kernel.Info{}, nil }
func (nowhere) Services() ([]kernel.ServiceState, error)                          { return nil, nil }
func (nowhere) Destinations(kernel.ServiceKey) ([]kernel.DestinationState, error) { return nil, nil }
func (nowhere) Timeouts() (kernel.Timeouts, error)                                { return kernel.Timeouts{}, nil }
func (nowhere) Daemons() ([]kernel.Daemon, error)                                 { return nil, nil }
func (nowhere) Do(ops []kernel.Op) ([]error, error)                               { return make([]error, len(ops)), nil }
func (nowhere) Close() error                                                      { return nil }

// BenchmarkLookForDriftIn1000ServicesWith10RealServers is what a change of the table may have to wait for while there is no
// drift: the comparisons, without the reading.
func BenchmarkLookForDriftIn1000ServicesWith10RealServers(b *testing.B) {
	want, _, _ := newDesired().desire(wide(1000))
	is, _, _ := newDesired().desire(wide(1000))
	for b.Loop() {
		if n := len(differences(is.table, want.table, nil)) + len(planOf(is.table, want.table, nil, nil)); n > 0 {
			b.Fatal(n)
		}
	}
}
