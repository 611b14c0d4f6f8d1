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
// What it looks at is in the names of its subtests; the rules themselves are package contract's. Package badplugin beside it has plugins that keep no contract, for
// the tests of whoever starts plugins.
package sdktest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
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
type Bad = contract.Bad

// patience is how long a call may take at most that should take no time at all.
const patience = contract.Patience

// Conform runs one subtest for each rule of the contract.
func Conform(t *testing.T, p sdk.Plugin, c Case) {
	t.Helper()
	s := c.subject(p)
	for _, r := range contract.Rules() {
		if !r.Of(&s) {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			if r.Kind == sdk.KindCheck && (c.Up == nil || c.Down == nil) {
				t.Fatal("a check plugin's case needs Up and Down")
			}
			if r.Kind == sdk.KindVRRP && len(c.Instances) == 0 {
				t.Fatal("a vrrp plugin's case needs Instances")
			}
			for _, complaint := range ask(t, p, c, r) {
				t.Error(complaint)
			}
		})
	}
}

// subject is the plugin, as far as it is known without a target.
func (c Case) subject(p sdk.Plugin) contract.Subject {
	s := contract.Subject{
		Info: p.Info(), Validate: p.Validate, Declared: p.Declared(),
		Folder: c.Folder, DryRun: c.DryRun, Good: c.Good, Bad: c.Bad, Instances: c.Instances,
	}
	if s.Folder == "" {
		s.Folder = "."
	}
	return s
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

// ask puts one rule to a plugin, and returns what is wrong.
func ask(t *testing.T, p sdk.Plugin, c Case, r contract.Rule) []string {
	t.Helper()
	s := c.subject(p)
	if !r.Served {
		return r.Ask(t.Context(), &s)
	}
	if c.Up != nil && c.Down != nil {
		s.Up, s.Down = contract.Scheduled("up", c.Up(t)), contract.Scheduled("down", c.Down(t))
	}
	before := goleak.IgnoreCurrent()
	wrong := served(t.Context(), p, &s, r)
	if err := goleak.Find(append(ownGoroutines(), before)...); err != nil {
		wrong = append(wrong, "after its end the plugin has still goroutines: "+err.Error())
	}
	return wrong
}

// served puts a rule to a plugin while it runs.
func served(ctx context.Context, p sdk.Plugin, s *contract.Subject, r contract.Rule) []string {
	conn, done := sdk.ServeInProcess(p, nil)
	defer done()
	s.Conn = conn
	if !r.Silent {
		if _, err := s.Introduce(ctx); err != nil {
			return []string{"describing: " + err.Error()}
		}
	}
	return r.Ask(ctx, s)
}
