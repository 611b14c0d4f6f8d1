package ipvs

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestWhatIsSaidToTheKernelComesBackInTheSameWords(t *testing.T) {
	for _, s := range everything().Services {
		k, err := serviceToKernel(s)
		if err != nil {
			t.Errorf("%s: %v", s.Key, err)
			continue
		}
		got := serviceFromKernel(k)
		for _, d := range s.Destinations {
			kd, err := destinationToKernel(d)
			if err != nil {
				t.Errorf("%s: %v", s.Key, err)
			}
			back := destinationFromKernel(kd)
			if d.Forward == sdk.FullNAT {
				d.Forward = sdk.NAT // which of the two it is the kernel does not know
			}
			if d.Tunnel.Type == "ipip" {
				d.Tunnel.Type = ""
			}
			if diff := cmp.Diff(d, back, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("%s, -want +got:\n%s", s.Key, diff)
			}
		}
		s.Destinations = nil
		if diff := cmp.Diff(s, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestPartsOfASecondCountAsOne(t *testing.T) {
	for d, want := range map[time.Duration]uint32{0: 0, -time.Second: 0, time.Millisecond: 1, time.Second: 1, 1500 * time.Millisecond: 2, time.Hour: 3600} {
		if got := seconds(d); got != want {
			t.Errorf("%v: %d s, want %d", d, got, want)
		}
	}
}

// Without persistence time-out and netmask mean nothing, and a table that another tool made is not changed for them.
func TestWhatMeansNothingMakesNoDifference(t *testing.T) {
	m := kernel.NewMemory()
	s, err := serviceToKernel(web())
	if err != nil {
		t.Fatal(err)
	}
	s.Timeout, s.Prefix = 300, 24
	m.Do([]kernel.Op{{Command: kernel.NewService, Service: s}, {Command: kernel.NewDaemon, Daemon: kernel.Daemon{Interface: "eth0", ID: 5, MaxLength: 1472}}})
	m.Log()
	b := newBalancer(t, m)
	apply(t, b, full(1, sdk.Table{Services: []sdk.Service{web()}, Sync: []sdk.SyncDaemon{{Interface: "eth0", ID: 5}}}))
	wantLog(t, m)
}

func TestAnAddressOfIPv4InIPv6IsIPv4(t *testing.T) {
	k, err := keyToKernel(sdk.ServiceKey{Protocol: sdk.TCP, Address: addr("::ffff:192.0.2.1"), Port: 80})
	want, _ := keyToKernel(webKey())
	if err != nil || k != want {
		t.Errorf("got %s, %v, want %s", k, err, want)
	}
}

func TestTheKernelsLimitsOnSyncMessagesMakeNoEndlessDifference(t *testing.T) {
	for _, d := range []struct {
		is, want uint16
		backup   bool
		same     bool
	}{
		{1472, 0, false, true}, {1472, 1472, false, true}, {1472, 9000, false, true}, {1452, 1472, false, true},
		{1024, 500, true, true}, {1024, 500, false, false}, {1200, 1400, false, false}, {1400, 1200, false, false},
	} {
		is, want := kernel.Daemon{Backup: d.backup, MaxLength: d.is}, kernel.Daemon{Backup: d.backup, MaxLength: d.want}
		if got := sameDaemon(is, want); got != d.same {
			t.Errorf("%+v: same %v", d, got)
		}
	}
}

// A service of a protocol that only IPVS knows, made by somebody else, does not spoil the reading of the rest.
func TestWhatTheContractHasNoWordForIsLeftOut(t *testing.T) {
	m := kernel.NewMemory()
	b := newBalancer(t, m)
	apply(t, b, full(1, tableWith(web(server(1, 1)))))
	esp, _ := serviceToKernel(web())
	esp.Protocol = 50
	bypass := memoryServer(m, 9)
	bypass.Forward = kernel.ForwardBypass
	m.Do([]kernel.Op{{Command: kernel.NewService, Service: esp}, {Command: kernel.NewDestination, Service: memoryWeb(m), Destination: bypass}})
	o, err := b.Read(t.Context())
	if err != nil || len(o.Services) != 1 || o.Services[0].Key != webKey() || o.Services[0].Name != "web" || len(o.Services[0].Destinations) != 1 {
		t.Errorf("read %+v, %v", o.Services, err)
	}
	b.repair()
	if found, _ := b.reports.take(); len(found) != 1 || found[0].Drift[1] != "protocol 50 192.0.2.1:80: should not be there, with 0 real servers" {
		t.Errorf("reports: %+v", found)
	}
}
