// Package sdk is the contract between evenkeel's core and its plugins, and all that the author of a plugin imports.
//
// A plugin is a process of one [Kind]. The core starts it, asks what it is (name, version, schema), tells it the whole
// desired state of its own small world, and listens to what it saw or changed there:
//
//	check      probes targets and reports a [Verdict] when one changes           [Checker]
//	balancer   makes the kernel's table equal to the desired [Table]             [Balancer]
//	vrrp       holds the virtual addresses and reports transitions               [VRRP]
//	notify     delivers events: mail, a script, a service's restart              [Notifier]
//	provision  prepares real servers                                             [Provisioner]
//
// The author of a check type writes one function and a struct of attributes:
//
//	type Config struct {
//		Path string `attr:"path" default:"/" doc:"what to ask for"`
//	}
//
//	func probe(ctx context.Context, t sdk.Target, c Config) error { ... }
//
//	func main() {
//		sdk.Serve(sdk.NewCheck(sdk.Info{Name: "redis", Version: "1.0.0"}, probe))
//	}
//
// Schedule, spread, time-out, retries, rise and fall, identical targets probed once, the verdict stream and the log are
// done by this package. The Go types here are what both sides speak; the .proto files in pluginv1 are the wire, and any
// language with gRPC can speak that.
//
// Package dialog below is for checks that converse with a server: TLS, lines, bounds, and reasons in words.
//
// Three rules hold for every kind:
//
//   - Level, not edge. The core says what should be, again and again; saying it twice changes nothing.
//   - A plugin that dies changes nothing. Its successor is told everything anew.
//   - Nobody waits for a plugin: every call has a deadline, and a plugin that does not answer is ended and replaced.
package sdk
