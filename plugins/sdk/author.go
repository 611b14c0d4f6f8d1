package sdk

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// NewCheck makes a check plugin of one function. probe looks at a target once and returns nil when it is up, otherwise an
// error whose text is the reason that an operator reads. It is called by many goroutines at once; ctx ends with the
// target's time-out, and a probe that goes on has failed all the same. HostFrom(ctx) has the logger. A type whose schema
// says that it Weighs may call SetWeight.
func NewCheck[C any](info Info, probe func(ctx context.Context, t Target, config C) error, options ...Option) Plugin {
	options = append([]Option{Config[C]()}, options...)
	return NewCheckEngine(info, func(h Host) Checker { return newRunner(h, info.Schema.Weighs, probe, nil) }, options...)
}

// A Prober is what the probes of a type share: a socket, a cache. Probe is as the function of NewCheck. Close is called
// once, when the plugin stops and no probe is begun any more. One that is a Starter, too, is used as such.
type Prober[C any] interface {
	Probe(ctx context.Context, t Target, config C) error
	Close() error
}

// NewProber makes a check plugin whose probes share something. open is called once the core has introduced itself; what it
// returns as an error is told to the operator, and means that this machine can't have such a plugin.
func NewProber[C any](info Info, open func(Host) (Prober[C], error)) Plugin {
	return newPlugin(KindCheck, info, pluginv1.CheckService_ServiceDesc.ServiceName, []Option{Config[C]()},
		opened(registerCheck, func(h Host) (Checker, error) {
			p, err := open(h)
			if err != nil {
				return nil, err
			}
			starter, _ := p.(Starter[C])
			r := newRunner(h, info.Schema.Weighs, p.Probe, starter)
			r.close, r.hasty = p.Close, true
			return r, nil
		}))
}

// Hasten returns, within a Probe of a Prober, a function that has the same target probed again at once, for one that
// learns by itself when something happens: a file that is watched. It may be called at any time, from any goroutine,
// however often; more than ten probes a second do not come of it, and nothing when the target is gone. The interval goes
// on all the same.
func Hasten(ctx context.Context) func() {
	if f, ok := ctx.Value(hastenKey{}).(func()); ok {
		return f
	}
	return func() {}
}

type hastenKey struct{}

// NewCheckEngine makes a check plugin of a type that has an engine of its own, for those that must be faster than a
// goroutine per probe. With the option Config the schema is declared, too.
func NewCheckEngine(info Info, open func(Host) Checker, options ...Option) Plugin {
	return newPlugin(KindCheck, info, pluginv1.CheckService_ServiceDesc.ServiceName, options,
		opened(registerCheck, func(h Host) (Checker, error) { return open(h), nil }))
}

// NewBalancer makes a balancer plugin. open is called once the core has introduced itself; what it returns as an error
// is told to the operator, and means that this machine can't have such a plugin: the kernel has no ip_vs.
func NewBalancer(info Info, open func(Host) (Balancer, error)) Plugin {
	return newPlugin(KindBalancer, info, pluginv1.BalancerService_ServiceDesc.ServiceName, nil, opened(registerBalancer, open))
}

// NewVRRP makes a vrrp plugin. An error of open is as with NewBalancer.
func NewVRRP(info Info, open func(Host) (VRRP, error)) Plugin {
	return newPlugin(KindVRRP, info, pluginv1.VRRPService_ServiceDesc.ServiceName, nil, opened(registerVRRP, open))
}

// NewNotify makes a notify plugin of one function, which returns when the receiver has the event.
func NewNotify[C any](info Info, deliver func(ctx context.Context, d Delivery, config C) error) Plugin {
	open := func(h Host) (Notifier, error) { return &notifier[C]{h, deliver}, nil }
	return newPlugin(KindNotify, info, pluginv1.NotifyService_ServiceDesc.ServiceName, []Option{Config[C]()}, opened(registerNotify, open))
}

// NewProvision makes a provision plugin of one function, which prepares one real server; several are prepared at the
// same time. With plan it only reports what it would do. It returns an error when the server could not be prepared.
func NewProvision[C any](info Info, apply func(ctx context.Context, p Provisioning, config C, plan bool, report func(ProvisionReport)) error) Plugin {
	open := func(h Host) (Provisioner, error) { return &provisioner[C]{h, apply}, nil }
	return newPlugin(KindProvision, info, pluginv1.ProvisionService_ServiceDesc.ServiceName, []Option{Config[C]()}, opened(registerProvision, open))
}

// A notifier decodes what its function is given.
type notifier[C any] struct {
	host    Host
	deliver func(context.Context, Delivery, C) error
}

func (n *notifier[C]) Deliver(ctx context.Context, d Delivery) error {
	config, err := Decode[C](d.Config)
	if err != nil {
		return err
	}
	return n.deliver(withHost(ctx, n.host), d, config)
}

// A provisioner decodes what its function is given, and calls it for several servers at once.
type provisioner[C any] struct {
	host  Host
	apply func(context.Context, Provisioning, C, bool, func(ProvisionReport)) error
}

// atOnce is how many real servers are prepared at the same time.
const atOnce = 8

func (p *provisioner[C]) Apply(ctx context.Context, servers []Provisioning, plan bool, report func(ProvisionReport)) error {
	configs := make([]C, len(servers))
	for i, s := range servers { // all or none
		c, err := Decode[C](s.Config)
		if err != nil {
			return err
		}
		configs[i] = c
	}
	var mu sync.Mutex
	say := func(r ProvisionReport) {
		mu.Lock()
		defer mu.Unlock()
		report(r)
	}
	errs := make([]error, len(servers))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, s := range servers {
		g.Go(func() error {
			errs[i] = guard(p.host.Logger, "Apply", func() error {
				return p.apply(withHost(ctx, p.host), s, configs[i], plan, say)
			})
			if errs[i] != nil {
				say(ProvisionReport{Server: s.Server, Error: errs[i].Error()})
			}
			return nil
		})
	}
	g.Wait() // never an error: each server's is in errs
	return errors.Join(errs...)
}
