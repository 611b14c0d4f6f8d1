package ipvs

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// probing is a service of the director's own probes.
func probing(mark uint32, forward sdk.Forward, server string, ipv6 bool) sdk.Service {
	return sdk.Service{
		Key: sdk.ServiceKey{Mark: mark, IPv6: ipv6}, Scheduler: "rr", Probe: true,
		Destinations: []sdk.Destination{{Address: netip.MustParseAddr(server), Forward: forward, Weight: 1}},
	}
}

func TestAnswersToProbesAreLetInWhereTheyArrive(t *testing.T) {
	var set []string
	routes := map[string]string{"10.1.0.1": "eth1", "10.1.0.2": "eth1", "10.2.0.1": "eth2"}
	b := New(Options{
		Kernel: kernel.NewMemory(),
		Sysctl: func(name, value string) (bool, error) {
			set = append(set, name+" = "+value)
			return true, nil
		},
		Interface: func(a netip.Addr) (string, error) {
			if name := routes[a.String()]; name != "" {
				return name, nil
			}
			return "", errors.New("no route")
		},
	})
	defer b.Stop(t.Context(), false)
	want := func(list ...string) {
		t.Helper()
		if !slices.Equal(set, list) {
			t.Errorf("set is %q, want %q", set, list)
		}
		set = nil
	}
	apply := func(u sdk.TableUpdate) {
		t.Helper()
		if res, err := b.Apply(t.Context(), u); err != nil || len(res.Failures) > 0 {
			t.Fatalf("%+v: %v", res, err)
		}
	}
	apply(sdk.TableUpdate{Generation: 1, Full: true, Table: sdk.Table{Services: []sdk.Service{
		probing(7, sdk.DR, "10.1.0.1", false), probing(8, sdk.NAT, "10.1.0.2", false), probing(9, sdk.DR, "2001:db8::1", true),
		probing(10, sdk.DR, "10.3.0.1", false),
	}}})
	want("net/ipv4/conf/eth1/accept_local = 1") // nat's are rewritten, IPv6 does not ask, and there is no route to the fourth
	apply(sdk.TableUpdate{Generation: 2, Base: 1, Table: sdk.Table{Services: []sdk.Service{probing(11, sdk.TUN, "10.2.0.1", false)}}})
	want("net/ipv4/conf/eth2/accept_local = 1")
	routes["10.3.0.1"] = "eth3"
	apply(sdk.TableUpdate{Generation: 3, Base: 2, Removed: []sdk.ServiceKey{{Mark: 8}}})
	want("net/ipv4/conf/eth3/accept_local = 1")
}
