package supervisor

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Plugin is one plugin that should run.
type Plugin struct {
	Kind sdk.Kind // "": nobody knows; only for Describe
	Name string   // the type's name: "http"

	Builtin bool   // part of this binary
	Path    string // otherwise the file
	SHA256  string // and what it must be, 64 hexadecimal digits

	Marks bool // of a check type: probes of its set a mark or choose an interface, which takes CAP_NET_RAW

	// Attach is called for each incarnation of the plugin, once it has said what it is: this is where the core tells it
	// what should be, and listens. ctx ends when the incarnation does. An error that Attach returns before that ends the
	// incarnation, and another one is started; nil leaves it running.
	Attach func(ctx context.Context, in *Instance) error
}

// String returns the plugin's name in logs and as a built-in: "check-http", "ipvs". Of one that nobody knows it is its
// file's.
func (p Plugin) String() string {
	if p.Kind == "" {
		return filepath.Base(p.Path)
	}
	return sdk.Info{Kind: p.Kind, Name: p.Name}.String()
}

// same says whether what runs for p may go on running for q.
func (p Plugin) same(q Plugin) bool {
	return p.Kind == q.Kind && p.Name == q.Name && p.Builtin == q.Builtin && p.Path == q.Path && p.SHA256 == q.SHA256 && p.Marks == q.Marks
}

// A State is where a plugin is in its life.
type State string

// The states.
const (
	Starting State = "starting" // the process starts, and says what it is
	Running  State = "running"
	Backoff  State = "backoff"  // it died or misbehaved, and is started again soon
	Failed   State = "failed"   // it says that it can't work on this machine; it is asked again now and then
	Stopping State = "stopping" // nobody wants it any more
)

// A Status is what is known of a plugin.
type Status struct {
	Kind      sdk.Kind
	Name      string
	State     State
	PID       int       // 0 when there is no process
	Since     time.Time // when it came into its state
	Restarts  int       // since it is wanted
	LastError string    // why the last incarnation ended, or why there is none; stays when it runs again
	Version   string    // the plugin's own
	Memory    uint64    // bytes: its proportional share (PSS), or its resident set where that is not to be had
	CPU       time.Duration
}

// String returns the plugin's name: "check-http", "ipvs".
func (s Status) String() string { return sdk.Info{Kind: s.Kind, Name: s.Name}.String() }

// An Instance is one incarnation of a plugin, as Attach gets it. Its clients are for as long as that lives. A call without
// a deadline of its own gets one of 30 seconds.
type Instance struct {
	Info sdk.Info
	PID  int

	conn grpc.ClientConnInterface
}

// Checker returns the check plugin. Of a plugin of another kind, every call fails.
func (in *Instance) Checker() sdk.Checker { return sdk.NewCheckerClient(in.conn) }

// Balancer returns the balancer plugin.
func (in *Instance) Balancer() sdk.Balancer { return sdk.NewBalancerClient(in.conn) }

// VRRP returns the vrrp plugin.
func (in *Instance) VRRP() sdk.VRRP { return sdk.NewVRRPClient(in.conn) }

// Notifier returns the notify plugin.
func (in *Instance) Notifier() sdk.Notifier { return sdk.NewNotifierClient(in.conn) }

// Provisioner returns the provision plugin.
func (in *Instance) Provisioner() sdk.Provisioner { return sdk.NewProvisionerClient(in.conn) }

// Conn is for who asks the plugin beyond its kind's interface: the rules of the contract.
func (in *Instance) Conn() grpc.ClientConnInterface { return in.conn }

// Validate asks the plugin about the values of one configuration block.
func (in *Instance) Validate(ctx context.Context, config json.RawMessage) ([]sdk.Diagnostic, error) {
	return sdk.NewPluginClient(in.conn).Validate(ctx, config)
}
