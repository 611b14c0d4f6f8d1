package sdk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// connect serves a plugin, and asks what it is, as a core does.
func connect(t *testing.T, p Plugin) *grpc.ClientConn {
	t.Helper()
	conn, done := ServeInProcess(p, nil)
	t.Cleanup(done)
	if _, err := NewPluginClient(conn).Describe(t.Context(), "test", true); err != nil {
		t.Fatalf("describing: %v", err)
	}
	return conn
}

// addrs lets cmp compare addresses.
var addrs = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// A fake is a plugin of each kind that keeps what it was told and says what it was given.
type fake struct {
	host     Host
	err      error
	told     any
	observed Observed
}

func (f *fake) Apply(_ context.Context, u TableUpdate) (ApplyResult, error) {
	f.told = u
	return ApplyResult{Writes: 3, Failures: []Failure{{Operation: "add service", Error: "no"}}}, f.err
}

func (f *fake) Read(context.Context) (Observed, error) { return f.observed, f.err }

func (f *fake) Watch(ctx context.Context, report func(BalancerReport)) error {
	report(BalancerReport{Drift: []string{"a", "b"}})
	<-ctx.Done()
	return ctx.Err()
}

func TestABalancerBehindGRPC(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	f := &fake{observed: Observed{Version: "1.2.1", DryRun: true}}
	for range 3000 {
		s := random[ObservedService](r)
		s.Service.Destinations = nil
		f.observed.Services = append(f.observed.Services, s)
	}
	b := NewBalancerClient(connect(t, NewBalancer(Info{Name: "ipvs"}, func(h Host) (Balancer, error) {
		f.host = h
		return f, nil
	})))
	if !f.host.DryRun || f.host.Logger == nil {
		t.Errorf("the plugin's host is %+v", f.host)
	}
	u := random[TableUpdate](r)
	u.Full = true
	result, err := b.Apply(t.Context(), u)
	if err != nil || result.Writes != 3 || len(result.Failures) != 1 {
		t.Errorf("applying: %+v, %v", result, err)
	}
	if d := cmp.Diff(u, f.told, addrs); d != "" {
		t.Errorf("the plugin was told otherwise:\n%s", d)
	}
	observed, err := b.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f.observed, observed, addrs); d != "" {
		t.Errorf("reading:\n%.1000s", d)
	}
	ctx, stop := context.WithCancel(t.Context())
	err = b.Watch(ctx, func(r BalancerReport) {
		if len(r.Drift) != 2 {
			t.Errorf("it reports %+v", r)
		}
		stop()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("watching ends with %v", err)
	}

	f.err = fmt.Errorf("generation 7: %w", ErrNeedFull)
	if _, err := b.Apply(t.Context(), u); !errors.Is(err, ErrNeedFull) {
		t.Errorf("a balancer that needs a full update says %v", err)
	}
	f.err = errors.New("netlink is on fire")
	if _, err := b.Apply(t.Context(), u); err == nil || err.Error() != "netlink is on fire" {
		t.Errorf("a balancer that fails says %v", err)
	}
	if _, err := b.Read(t.Context()); err == nil || err.Error() != "netlink is on fire" {
		t.Errorf("reading from a balancer that fails says %v", err)
	}
	u.Table.Services = []Service{{}}
	var call *CallError
	if _, err := b.Apply(t.Context(), u); !errors.As(err, &call) || call.Code != codes.InvalidArgument {
		t.Errorf("an update that makes no sense: %v", err)
	}
}

type fakeVRRP struct {
	instances []VRRPInstance
	command   VRRPCommand
	report    VRRPReport
	status    VRRPStatus
	err       error
}

func (f *fakeVRRP) Apply(_ context.Context, i []VRRPInstance) error {
	f.instances = i
	return nil
}

func (f *fakeVRRP) Watch(_ context.Context, report func(VRRPReport)) error {
	report(f.report)
	return errors.New("enough")
}

func (f *fakeVRRP) Status(context.Context) (VRRPStatus, error) { return f.status, f.err }

func (f *fakeVRRP) Command(_ context.Context, c VRRPCommand) error {
	f.command = c
	return nil
}

func TestAVRRPBehindGRPC(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	f := &fakeVRRP{report: random[VRRPReport](r), status: random[VRRPStatus](r)}
	v := NewVRRPClient(connect(t, NewVRRP(Info{Name: "vrrp"}, func(Host) (VRRP, error) { return f, nil })))
	want := []VRRPInstance{random[VRRPInstance](r)}
	if err := v.Apply(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, f.instances, addrs); d != "" {
		t.Errorf("the plugin was told otherwise:\n%s", d)
	}
	var seen []VRRPReport
	err := v.Watch(t.Context(), func(r VRRPReport) { seen = append(seen, r) })
	if err == nil || err.Error() != "enough" {
		t.Errorf("watching ends with %v", err)
	}
	if d := cmp.Diff([]VRRPReport{f.report}, seen, addrs); d != "" {
		t.Errorf("the core was told otherwise:\n%s", d)
	}
	status, err := v.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f.status, status, addrs); d != "" {
		t.Errorf("the status is another one:\n%s", d)
	}
	f.err = errors.New("the loop does not answer")
	if _, err := v.Status(t.Context()); err == nil || err.Error() != "the loop does not answer" {
		t.Errorf("a plugin without a status says %v", err)
	}
	if err := v.Command(t.Context(), VRRPCommand{"VI_1", "garp"}); err != nil || f.command.Action != "garp" {
		t.Errorf("commanding: %+v, %v", f.command, err)
	}
}

func TestANotifierOfOneFunction(t *testing.T) {
	type config struct {
		To []string `attr:"to" required:"true"`
	}
	var got Delivery
	var to []string
	n := NewNotifierClient(connect(t, NewNotify(Info{Name: "mail"}, func(ctx context.Context, d Delivery, c config) error {
		got, to = d, c.To
		if d.Receiver == "panic" {
			panic("no ink")
		}
		if !HostFrom(ctx).DryRun {
			t.Error("the function does not know its host")
		}
		return nil
	})))
	d := random[Delivery](rand.New(rand.NewPCG(1, 1)))
	d.Config = []byte(`{"to":["a@example.com"]}`)
	if err := n.Deliver(t.Context(), d); err != nil || !slices.Equal(to, []string{"a@example.com"}) {
		t.Errorf("delivering to %v: %v", to, err)
	}
	if diff := cmp.Diff(d, got); diff != "" {
		t.Errorf("the plugin was told otherwise:\n%s", diff)
	}
	d.Receiver = "panic"
	if err := n.Deliver(t.Context(), d); err == nil || !strings.Contains(err.Error(), "no ink") {
		t.Errorf("a function that panics: %v", err)
	}
	d.Config = []byte(`{}`)
	if err := n.Deliver(t.Context(), d); err == nil || err.Error() != "to: it is required" {
		t.Errorf("a configuration that is wrong: %v", err)
	}
}

func TestAProvisionerOfOneFunction(t *testing.T) {
	type config struct {
		User string `attr:"user" default:"root"`
	}
	p := NewProvisionerClient(connect(t, NewProvision(Info{Name: "ssh"},
		func(_ context.Context, p Provisioning, c config, plan bool, report func(ProvisionReport)) error {
			if p.Server.String() == "192.0.2.66" {
				panic("no route")
			}
			report(ProvisionReport{Server: p.Server, Step: "hello " + c.User, Changed: !plan})
			return nil
		})))
	var servers []Provisioning
	for i := range 40 {
		servers = append(servers, Provisioning{Name: "web", Server: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})})
	}
	seen := make(map[string]bool)
	err := p.Apply(t.Context(), servers, true, func(r ProvisionReport) {
		if r.Step != "hello root" || r.Changed {
			t.Errorf("it reports %+v", r)
		}
		seen[r.Server.String()] = true
	})
	if err != nil || len(seen) != 40 {
		t.Errorf("%d of 40 servers, %v", len(seen), err)
	}
	servers[7].Server = netip.MustParseAddr("192.0.2.66")
	var failed int
	err = p.Apply(t.Context(), servers, false, func(r ProvisionReport) {
		if r.Error != "" {
			failed++
		}
	})
	if err == nil || !strings.Contains(err.Error(), "no route") || failed != 1 {
		t.Errorf("one of 40 servers fails: %d reports of it, %v", failed, err)
	}
}

func TestAPluginThatCannotWorkHereSaysSo(t *testing.T) {
	fits := false
	conn, done := ServeInProcess(NewBalancer(Info{Name: "ipvs"}, func(Host) (Balancer, error) {
		if !fits {
			return nil, errors.New("no ip_vs")
		}
		return &fake{}, nil
	}), nil)
	defer done()
	c := NewPluginClient(conn)
	var cannot *PreconditionError
	if _, err := c.Describe(t.Context(), "test", false); !errors.As(err, &cannot) || cannot.Message != "no ip_vs" {
		t.Errorf("it says %v", err)
	}
	var call *CallError
	if _, err := NewBalancerClient(conn).Read(t.Context()); !errors.As(err, &call) || call.Code != codes.Unavailable {
		t.Errorf("asking it all the same: %v", err)
	}
	fits = true // the module was loaded
	if _, err := c.Describe(t.Context(), "test", false); err != nil {
		t.Errorf("asked again, it says %v", err)
	}
	if _, err := c.Describe(t.Context(), "test", false); err != nil {
		t.Errorf("asked a third time, it says %v", err)
	}
	if _, err := c.Describe(t.Context(), "test", true); err == nil {
		t.Error("it runs in earnest, and lets itself be told that this is a dry run")
	}
}

func TestACallThatTakesTooLongSaysSo(t *testing.T) {
	n := NewNotifierClient(connect(t, NewNotify(Info{Name: "slow"}, func(ctx context.Context, _ Delivery, _ struct{}) error {
		<-ctx.Done()
		return ctx.Err()
	})))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := n.Deliver(ctx, Delivery{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it says %v", err)
	}
}
