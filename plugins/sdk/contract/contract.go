// Package contract has the rules that a plugin keeps, whatever it was written in. Each is a question: it asks the plugin
// over a connection and returns what is wrong. Package sdktest puts them to a plugin in its Go author's tests, and
// "evenkeel plugin test" to the process of an executable file.
package contract

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Subject is the plugin that is asked, and what is known of it beforehand.
type Subject struct {
	Info   sdk.Info                 // what it is
	Conn   grpc.ClientConnInterface // to it; for rules that need it served
	DryRun bool                     // it is told to leave the world as it is

	// Good are configurations that must be accepted, as JSON.
	Good []string
	// Bad are configurations that must be refused, beside those that are made of the schema.
	Bad []Bad
	// Up and Down are targets of a check plugin, as Scheduled makes them; without them the rules that need them can't be
	// asked.
	Up, Down sdk.Target
	// Instances are those that a vrrp plugin is asked with; they stay in one state when they are left alone.
	Instances []sdk.VRRPInstance

	// Folder is where the plugin's README.md lies; "": its source is not at hand, and nobody asks for its manual page.
	Folder string
	// Validate is the plugin's, without a process in between; nil: there is only a process.
	Validate func(config json.RawMessage) []sdk.Diagnostic
	// Declared is for a plugin that only has its part of the language, and can't be served.
	Declared bool
}

// A Bad is a configuration that must be refused.
type Bad struct {
	Config string // JSON
	Path   string // where a complaint must be, dots between the names: "status.0"
}

// Patience is how long a call may take at most that should take no time at all.
const Patience = 5 * time.Second

// Interval is how often the targets of a Subject are probed.
const Interval = 100 * time.Millisecond

// Scheduled returns a target as the rules want it. id is "up" or "down".
func Scheduled(id string, t sdk.Target) sdk.Target {
	t.ID = id
	t.Schedule = sdk.Schedule{Interval: Interval, Timeout: 2 * time.Second, Fall: 2, Rise: 2}
	t.Initial = sdk.StateUnknown
	return t
}

// coreVersion is what the plugin is told of who asks.
const coreVersion = "test"

// Introduce is what a core does first: it asks the plugin what it is.
func (s *Subject) Introduce(ctx context.Context) (sdk.Info, error) {
	return sdk.NewPluginClient(s.Conn).Describe(ctx, coreVersion, s.DryRun)
}

// A Rule of the contract.
type Rule struct {
	Name   string   // what a plugin does that keeps it
	Served bool     // the plugin must run for it
	Silent bool     // and nobody may have introduced himself to it yet
	Kind   sdk.Kind // of the plugins that it is for; "": all. Of a check it needs Up and Down, of a vrrp plugin Instances
	page   bool     // it reads the manual page
	within bool     // it needs Validate
	ask    func(context.Context, *Subject) []string
}

// Of says whether the rule is one for such a plugin. Whether the targets or instances are there that it needs is another
// question.
func (r Rule) Of(s *Subject) bool {
	switch {
	case r.Served && s.Declared, r.page && s.Folder == "", r.within && s.Validate == nil:
		return false
	}
	return r.Kind == "" || r.Kind == s.Info.Kind
}

// Ask asks, and returns what is wrong. It takes a few seconds at most.
func (r Rule) Ask(ctx context.Context, s *Subject) []string {
	ctx, cancel := context.WithTimeout(ctx, 4*Patience)
	defer cancel()
	return r.ask(ctx, s)
}

// Rules returns all of them, in the order in which they are asked. The last one ends the plugin.
func Rules() []Rule {
	return []Rule{
		{Name: "it says completely what it is", ask: describes},
		{Name: "over the wire it says the same, twice", Served: true, Silent: true, ask: describesOverTheWire},
		{Name: "its schema is documented", ask: schemaIsDocumented},
		{Name: "its README is a manual page", page: true, ask: manualPage},
		{Name: "its README has the schema's attributes", page: true, ask: manualPageHasAttributes},
		{Name: "good configurations are accepted", within: true, ask: acceptsGood},
		{Name: "bad configurations are refused where they are bad", within: true, ask: refusesBad},
		{Name: "over the wire it refuses and accepts the same", Served: true, ask: validatesOverTheWire},
		{Name: "a watch begins with a snapshot and then has verdicts with reasons", Served: true, Kind: sdk.KindCheck, ask: watches},
		{Name: "applying twice changes nothing", Served: true, Kind: sdk.KindCheck, ask: appliesTwice},
		{Name: "a removed target is silent", Served: true, Kind: sdk.KindCheck, ask: removes},
		{Name: "a probe beside the schedule says the same", Served: true, Kind: sdk.KindCheck, ask: probes},
		{Name: "a probe leaves the machine as it is told to, if the schema says so", Served: true, Kind: sdk.KindCheck, ask: obeysEgress},
		{Name: "updates that make no sense are refused and change nothing", Served: true, Kind: sdk.KindCheck, ask: refusesUpdates},
		{Name: "a watch ends with its context", Served: true, Kind: sdk.KindCheck, ask: endsWatch},
		{Name: "instances are watched from a snapshot on", Served: true, Kind: sdk.KindVRRP, ask: watchesInstances},
		{Name: "applying instances twice changes nothing", Served: true, Kind: sdk.KindVRRP, ask: appliesInstancesTwice},
		{Name: "the status has the instances that there are", Served: true, Kind: sdk.KindVRRP, ask: tellsInstances},
		{Name: "a command that makes no sense is an error", Served: true, Kind: sdk.KindVRRP, ask: refusesCommands},
		{Name: "the watching of instances ends with its context", Served: true, Kind: sdk.KindVRRP, ask: endsVRRPWatch},
		{Name: "it stops when it is asked to", Served: true, ask: stops},
	}
}
