package ipvs

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func noIPVS(func(string) error) (*kernel.Netlink, error) { return nil, kernel.ErrNoIPVS }

// served returns the plugin as the core sees it, over gRPC.
func served(t *testing.T, p sdk.Plugin, dryRun bool) (sdk.Balancer, *sdk.PluginClient, error) {
	t.Helper()
	conn, stop := sdk.ServeInProcess(p, nil)
	t.Cleanup(stop)
	client := sdk.NewPluginClient(conn)
	info, err := client.Describe(t.Context(), "test", dryRun)
	if err != nil {
		return nil, nil, err
	}
	if info.Kind != sdk.KindBalancer || info.Name != "ipvs" || info.Schema.Doc == "" || len(info.Schema.Attributes) != 0 {
		t.Errorf("described as %+v", info)
	}
	return sdk.NewBalancerClient(conn), client, nil
}

func TestTheCoreIsToldWhatToDoWhenThereIsNoIPVS(t *testing.T) {
	_, _, err := served(t, plugin(noIPVS), false)
	var precondition *sdk.PreconditionError
	if !errors.As(err, &precondition) || !strings.Contains(err.Error(), "load it with `modprobe ip_vs`") {
		t.Errorf("got %v", err)
	}
}

func TestADryRunOverTheWire(t *testing.T) {
	b, client, err := served(t, plugin(noIPVS), true)
	if err != nil {
		t.Fatal(err)
	}
	table := everything()
	r, err := b.Apply(t.Context(), full(1, table))
	if err != nil || len(r.Failures) > 0 {
		t.Fatal(r, err)
	}
	again, err := b.Apply(t.Context(), full(2, table))
	if err != nil || again.Writes != 0 || r.Writes == 0 {
		t.Errorf("%d writes, and again %d, %v", r.Writes, again.Writes, err)
	}
	if _, err := b.Apply(t.Context(), sdk.TableUpdate{Generation: 9, Base: 8}); !errors.Is(err, sdk.ErrNeedFull) {
		t.Errorf("got %v, want ErrNeedFull", err)
	}
	o, err := b.Read(t.Context())
	if err != nil || !o.DryRun || len(o.Services) != 0 || len(o.Differences) != len(table.Services)+1 { // and the time-outs
		t.Errorf("dry run %v, %d services, %d differences, %v", o.DryRun, len(o.Services), len(o.Differences), err)
	}
	if err := client.Stop(t.Context(), time.Second, true); err != nil {
		t.Error(err)
	}
}

func TestVMTheWholePluginOverTheWire(t *testing.T) {
	realKernel(t)
	b, _, err := served(t, Plugin(), false)
	if err != nil {
		t.Fatal(err)
	}
	table := bigTable(1000, 10)
	start := time.Now()
	r, err := b.Apply(t.Context(), full(1, table))
	if err != nil || r.Writes != 11000 || len(r.Failures) > 0 {
		t.Fatalf("%d writes, %v, %v", r.Writes, r.Failures, err)
	}
	t.Logf("fill an empty kernel over gRPC: %d writes in %v", r.Writes, time.Since(start).Round(time.Millisecond))
	start = time.Now()
	o, err := b.Read(t.Context())
	if err != nil || len(o.Services) != 1000 {
		t.Fatalf("read %d services, %v", len(o.Services), err)
	}
	t.Logf("read it over gRPC in %v", time.Since(start).Round(time.Millisecond))
	for i, s := range o.Services {
		if len(s.Destinations) != 10 || s.Key.Port != 80 || s.Key != table.Services[i].Key {
			t.Fatalf("read %+v, want %+v", s, table.Services[i])
		}
	}
	table.Services = table.Services[:10]
	if r, err = b.Apply(t.Context(), full(2, table)); err != nil || r.Writes != 990 {
		t.Errorf("%d writes, %v", r.Writes, err)
	}

	// Somebody else's service is removed at the next look, which the core hears of; here an update finds it first.
	ipvsadm(t, "-A", "-t", "10.99.0.77:80", "-s", "rr")
	foreign := sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: netip.MustParseAddr("10.99.0.77"), Port: 80}, Scheduler: "wrr"}
	if r, err = b.Apply(t.Context(), sdk.TableUpdate{Generation: 3, Base: 2, Table: tableWith(foreign)}); err != nil || len(r.Failures) > 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var got []string
	b.Watch(ctx, func(r sdk.BalancerReport) { got = r.Drift; cancel() })
	if d := cmp.Diff([]string{"tcp 10.99.0.77:80: should not be there, with 0 real servers"}, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("drift, -want +got:\n%s", d)
	}
}
