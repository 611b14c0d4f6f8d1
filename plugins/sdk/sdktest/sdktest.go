// Package sdktest is the conformance kit: a plugin's own tests call [Conform], which says whether the plugin keeps the
// contract of package sdk. The plugin runs in the test's process, and every call goes through gRPC as it does later.
//
//	func TestConformance(t *testing.T) {
//		sdktest.Conform(t, redis.Plugin(), sdktest.Case{
//			Good: []string{`{"password":"secret"}`},
//			Bad:  []sdktest.Bad{{Config: `{"database":-1}`, Path: "database"}},
//			Up:   func(t *testing.T) sdk.Target { ... },
//			Down: func(t *testing.T) sdk.Target { ... },
//		})
//	}
//
// What it looks at is in the names of its subtests. Package badplugin beside it has plugins that keep no contract, for
// the tests of whoever starts plugins.
package sdktest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Case is what a plugin's own test knows of it.
type Case struct {
	// Folder is the plugin's, where its README.md lies; "" is that of the test.
	Folder string
	// DryRun is for a plugin that would change the machine.
	DryRun bool
	// Good are configurations that must be accepted, as JSON.
	Good []string
	// Bad are configurations that must be refused, beside those that the kit makes of the schema.
	Bad []Bad
	// Up and Down return targets of a check plugin, one that is up and one that is down until the test ends. ID and
	// Schedule are the kit's.
	Up, Down func(t *testing.T) sdk.Target
	// Instances are those that a vrrp plugin is asked with. They must stay in one state when they are left alone: on an
	// interface that is not there, they are in FAULT.
	Instances []sdk.VRRPInstance
}

// A Bad is a configuration that must be refused.
type Bad struct {
	Config string // JSON
	Path   string // where a complaint must be, dots between the names: "status.0"
}

// patience is how long a call may take at most that should take no time at all.
const patience = 5 * time.Second

// Conform runs one subtest for each rule of the contract.
func Conform(t *testing.T, p sdk.Plugin, c Case) {
	t.Helper()
	if c.Folder == "" {
		c.Folder = "."
	}
	k := kit{plugin: p, c: c}
	for _, r := range rules {
		if p.Declared() && r.served || r.kind != "" && p.Info().Kind != r.kind {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			if r.kind == sdk.KindCheck && (c.Up == nil || c.Down == nil) {
				t.Fatal("a check plugin's case needs Up and Down")
			}
			if r.kind == sdk.KindVRRP && len(c.Instances) == 0 {
				t.Fatal("a vrrp plugin's case needs Instances")
			}
			for _, complaint := range k.ask(t, r) {
				t.Error(complaint)
			}
		})
	}
}

// ownGoroutines are those that are not the plugin's: of servers that Up and Down have started.
func ownGoroutines() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("net/http.(*Server).Serve"),
		goleak.IgnoreAnyFunction("net.(*TCPListener).Accept"),
		goleak.IgnoreAnyFunction("net/http.(*conn).serve"),
		goleak.IgnoreAnyFunction("github.com/evenkeel/evenkeel/plugins/sdk/sdktest.talk"),
	}
}

// A rule of the contract.
type rule struct {
	name   string
	served bool     // the plugin must run for it
	silent bool     // the core has not introduced itself yet
	kind   sdk.Kind // only for plugins of this kind
	ask    func(context.Context, *kit) []string
}

// rules are all of them, in the order in which they are asked.
var rules = []rule{
	{name: "it says completely what it is", ask: describes},
	{name: "over the wire it says the same, twice", served: true, silent: true, ask: describesOverTheWire},
	{name: "its schema is documented", ask: schemaIsDocumented},
	{name: "its README is a manual page", ask: manualPage},
	{name: "its README has the schema's attributes", ask: manualPageHasAttributes},
	{name: "good configurations are accepted", ask: acceptsGood},
	{name: "bad configurations are refused where they are bad", ask: refusesBad},
	{name: "over the wire it refuses and accepts the same", served: true, ask: validatesOverTheWire},
	{name: "a watch begins with a snapshot and then has verdicts with reasons", served: true, kind: sdk.KindCheck, ask: watches},
	{name: "applying twice changes nothing", served: true, kind: sdk.KindCheck, ask: appliesTwice},
	{name: "a removed target is silent", served: true, kind: sdk.KindCheck, ask: removes},
	{name: "a probe beside the schedule says the same", served: true, kind: sdk.KindCheck, ask: probes},
	{name: "updates that make no sense are refused and change nothing", served: true, kind: sdk.KindCheck, ask: refusesUpdates},
	{name: "a watch ends with its context", served: true, kind: sdk.KindCheck, ask: endsWatch},
	{name: "a watch of instances begins with a snapshot", served: true, kind: sdk.KindVRRP, ask: watchesInstances},
	{name: "applying instances twice changes nothing", served: true, kind: sdk.KindVRRP, ask: appliesInstancesTwice},
	{name: "the status has the instances that there are", served: true, kind: sdk.KindVRRP, ask: tellsInstances},
	{name: "a command that makes no sense is an error", served: true, kind: sdk.KindVRRP, ask: refusesCommands},
	{name: "a watch of instances ends with its context", served: true, kind: sdk.KindVRRP, ask: endsVRRPWatch},
	{name: "it stops when it is asked to", served: true, ask: stops},
}

// A kit asks one rule.
type kit struct {
	plugin sdk.Plugin
	c      Case

	up, down sdk.Target
	conn     *grpc.ClientConn
}

// ask returns what is wrong.
func (k kit) ask(t *testing.T, r rule) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	if !r.served {
		return r.ask(ctx, &k)
	}
	if k.c.Up != nil && k.c.Down != nil {
		k.up, k.down = scheduled("up", k.c.Up(t)), scheduled("down", k.c.Down(t))
	}
	before := goleak.IgnoreCurrent()
	wrong := k.serve(ctx, r)
	if err := goleak.Find(append(ownGoroutines(), before)...); err != nil {
		wrong = append(wrong, "after its end the plugin has still goroutines: "+err.Error())
	}
	return wrong
}

// serve asks a rule while the plugin runs.
func (k *kit) serve(ctx context.Context, r rule) []string {
	conn, done := sdk.ServeInProcess(k.plugin, nil)
	defer done()
	k.conn = conn
	if !r.silent {
		if _, err := sdk.NewPluginClient(conn).Describe(ctx, "sdktest", k.c.DryRun); err != nil {
			return []string{"describing: " + err.Error()}
		}
	}
	return r.ask(ctx, k)
}

// interval is how often the kit has its targets probed.
const interval = 100 * time.Millisecond

// scheduled returns the target with the kit's name and schedule.
func scheduled(id string, t sdk.Target) sdk.Target {
	t.ID = id
	t.Schedule = sdk.Schedule{Interval: interval, Timeout: 2 * time.Second, Fall: 2, Rise: 2}
	t.Initial = sdk.StateUnknown
	return t
}
