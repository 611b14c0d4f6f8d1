package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
)

// A Plugin is what a plugin's main function serves. Make one with NewCheck or a sibling.
type Plugin struct {
	info     Info
	service  string // the full name of its kind's service
	validate func(config json.RawMessage) []Diagnostic
	// bind registers the kind's service, and returns what makes its implementation when the core has introduced itself.
	bind func(grpc.ServiceRegistrar) (open func(Host) (impl any, err error))
}

// Info returns what the plugin is.
func (p Plugin) Info() Info { return p.info }

// Validate checks the values of one configuration block, as the core asks for it over the wire.
func (p Plugin) Validate(config json.RawMessage) []Diagnostic {
	if p.validate == nil {
		return nil
	}
	return p.validate(config)
}

// A Host is what a plugin may know of the core that started it.
type Host struct {
	DryRun bool         // leave the world as it is, and only say what would be done
	Keep   string       // a folder, in memory, that the plugin's successors find as it was; "": there is none
	Logger hclog.Logger // to the core's log; what is printed to stdout or stderr goes there, too
}

// A Stopper is an implementation with something to finish before its process ends. Whatever the kind, one that has this
// method is called when the core stops the plugin, and when the core is gone. ctx has the deadline. With release, what
// the plugin holds in the world is given up: the kernel's table, the addresses; without, it stays as it is. SIGTERM stops a
// vrrp plugin with release, and all others without.
type Stopper interface {
	Stop(ctx context.Context, release bool) error
}

// A hostKey is the context key of a Host.
type hostKey struct{}

// HostFrom returns the Host that a function of NewCheck, NewNotify or NewProvision is called under. The zero context
// has one that discards logs.
func HostFrom(ctx context.Context) Host {
	if h, ok := ctx.Value(hostKey{}).(Host); ok {
		return h
	}
	return Host{Logger: hclog.NewNullLogger()}
}

func withHost(ctx context.Context, h Host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// An Option is something more about a plugin.
type Option func(*Plugin)

// Config declares that the blocks of the type are decoded into a C: the schema comes from its tags, and its Validate
// method, if any, is asked about each block. NewCheck and others with a type parameter do this by themselves.
func Config[C any]() Option {
	return func(p *Plugin) {
		doc, weighs, egress := p.info.Schema.Doc, p.info.Schema.Weighs, p.info.Schema.Egress
		p.info.Schema = SchemaOf[C]()
		p.info.Schema.Doc, p.info.Schema.Weighs, p.info.Schema.Egress = doc, weighs, egress
		p.validate = func(config json.RawMessage) []Diagnostic {
			_, diagnostics := decode[C](config)
			return diagnostics
		}
	}
}

// newPlugin makes a plugin of a kind. An Info that can't be right is its author's mistake: it panics.
func newPlugin(kind Kind, info Info, service string, options []Option, bind func(grpc.ServiceRegistrar) func(Host) (any, error)) Plugin {
	info.Kind = kind
	p := Plugin{info: info, service: service, bind: bind}
	for _, o := range options {
		o(&p)
	}
	if err := p.info.Check(); err != nil {
		panic(fmt.Sprintf("sdk: plugin %q: %v", info.Name, err))
	}
	return p
}

// opened makes a bind function from a service's registration and the author's constructor.
func opened[T any](register func(grpc.ServiceRegistrar, *holder[T]), open func(Host) (T, error)) func(grpc.ServiceRegistrar) func(Host) (any, error) {
	return func(s grpc.ServiceRegistrar) func(Host) (any, error) {
		h := &holder[T]{}
		register(s, h)
		return func(host Host) (any, error) {
			impl, err := open(host)
			if err != nil {
				return nil, err
			}
			h.set(impl)
			return impl, nil
		}
	}
}

// guard calls the author's f, and makes an error of a panic.
func guard(logger hclog.Logger, what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			logger.Error("panic in "+what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in %s: %v", what, p)
		}
	}()
	return f()
}
