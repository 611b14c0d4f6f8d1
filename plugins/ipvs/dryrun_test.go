package ipvs

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// untouchable is a kernel that a test fails for writing to.
type untouchable struct {
	kernel.Kernel
	t *testing.T
}

func (u untouchable) Do(ops []kernel.Op) ([]error, error) {
	u.t.Errorf("a dry run wrote: %v", ops)
	return make([]error, len(ops)), nil
}

func (u untouchable) Apply(r nft.Rules) (bool, error) {
	u.t.Errorf("a dry run wrote packet rules: %v", r)
	return false, nil
}

func dryRun(t *testing.T, m *kernel.Memory) *Balancer {
	t.Helper()
	u := untouchable{m, t}
	b := New(Options{Kernel: u, Packets: u, DryRun: true, Sysctl: func(name, _ string) (bool, error) {
		t.Errorf("a dry run set %s", name)
		return false, nil
	}})
	t.Cleanup(func() { b.Stop(t.Context(), true) })
	return b
}

func TestADryRunWritesNothingAndSaysWhatItWould(t *testing.T) {
	m := kernel.NewMemory()
	apply(t, newBalancer(t, m), full(1, tableWith(web(server(1, 3), server(2, 1)), sdk.Service{Key: sdk.ServiceKey{Mark: 4}, Scheduler: "rr"})))
	b := dryRun(t, m)
	fullnat := sdk.Service{Key: sdk.ServiceKey{Mark: 5}, Scheduler: "rr", Match: []sdk.Match{{Address: addr("192.0.2.9"), Protocol: sdk.TCP}},
		Destinations: []sdk.Destination{{Address: addr("10.0.0.1"), Forward: sdk.FullNAT, Weight: 1}}}
	table := tableWith(web(server(1, 1), server(3, 1)), fullnat)
	r := apply(t, b, full(1, table))
	// Real server 3 comes, 1 gets lighter, 2 goes; service and real server of mark 5, its packet rules; mark 4 goes.
	if r.Writes != 7 {
		t.Errorf("%d writes, want 7", r.Writes)
	}
	if r := apply(t, b, full(2, table)); r.Writes != 0 {
		t.Errorf("said again: %d writes, want 0", r.Writes)
	}
	got, err := b.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"tcp 192.0.2.1:80 -> 10.0.0.1:80: weight 3, should be 1",
		"tcp 192.0.2.1:80 -> 10.0.0.3:80: missing",
		"tcp 192.0.2.1:80 -> 10.0.0.2:80: should not be there",
		"fwmark 5: missing, with 1 real servers",
		"fwmark 4: should not be there, with 0 real servers",
	}
	if d := cmp.Diff(want, got.Differences); d != "" || !got.DryRun {
		t.Errorf("dry run: %v; differences, -want +got:\n%s", got.DryRun, d)
	}
	if len(got.Services) != 2 || len(got.Services[0].Destinations) != 2 {
		t.Errorf("services %+v, want the kernel's own", got.Services)
	}
	b.repair()
}

func TestADryRunWithoutIPVSReadsAnEmptyTableAndKeepsTheKernelsRules(t *testing.T) {
	k, err := open(true, func(load func(string) error) (*kernel.Netlink, error) {
		if load != nil {
			t.Error("a dry run would load a module")
		}
		return nil, kernel.ErrNoIPVS
	})
	if err != nil {
		t.Fatal(err)
	}
	b := New(Options{Kernel: k, DryRun: true})
	defer b.Stop(t.Context(), true)
	bad := server(1, 1<<31)
	r, err := b.Apply(t.Context(), full(1, tableWith(web(bad, server(2, 1)))))
	if err != nil || r.Writes != 2 || len(r.Failures) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	got, err := b.Read(t.Context())
	if err != nil || got.Version != "" || len(got.Services) != 0 || len(got.Differences) != 1 {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestWithoutDryRunAMissingIPVSIsAnError(t *testing.T) {
	_, err := open(false, func(load func(string) error) (*kernel.Netlink, error) {
		if load == nil {
			t.Error("no module would be loaded")
		}
		return nil, kernel.ErrNoIPVS
	})
	if err == nil {
		t.Error("no error")
	}
}
