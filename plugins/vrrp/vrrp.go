package vrrp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is the vrrp plugin.
func Plugin() sdk.Plugin { return within(func() error { return nil }) }

// within is Plugin, with a function that may put the loop's thread into another network namespace before anything is
// opened. An error at opening says what this machine lacks.
func within(enter func() error) sdk.Plugin {
	return sdk.NewVRRP(sdk.Info{Name: "vrrp", Version: "1.0.0", Schema: schema()}, func(h sdk.Host) (sdk.VRRP, error) {
		if h.DryRun {
			return nil, errors.New("a dry run takes no part in VRRP")
		}
		l, err := start(h.Logger, h.Keep, enter)
		if err != nil {
			return nil, err
		}
		return &plugin{l}, nil
	})
}

// A plugin is the contract's side of the loop. Its methods are called by any goroutine, and have the loop do the work.
type plugin struct{ loop *loop }

// Apply implements sdk.VRRP.
func (p *plugin) Apply(ctx context.Context, instances []sdk.VRRPInstance) error {
	if err := check(instances); err != nil {
		return err
	}
	return p.loop.do(ctx, func() error {
		p.loop.configure(instances)
		return nil
	})
}

// Watch implements sdk.VRRP.
func (p *plugin) Watch(ctx context.Context, report func(sdk.VRRPReport)) error {
	w := newWatcher()
	defer w.end() // also when the loop is late and nobody waits any more
	if err := p.loop.do(ctx, func() error {
		p.loop.watch(w)
		return nil
	}); err != nil {
		return err
	}
	return w.deliver(ctx, p.loop.ended, report)
}

// Status implements sdk.VRRP.
func (p *plugin) Status(ctx context.Context) (sdk.VRRPStatus, error) {
	answer := make(chan sdk.VRRPStatus, 1) // which nobody may wait for any more
	if err := p.loop.do(ctx, func() error {
		answer <- p.loop.status()
		return nil
	}); err != nil {
		return sdk.VRRPStatus{}, err
	}
	return <-answer, nil
}

// Command implements sdk.VRRP.
func (p *plugin) Command(ctx context.Context, c sdk.VRRPCommand) error {
	return p.loop.do(ctx, func() error {
		n := slices.IndexFunc(p.loop.instances, func(i *instance) bool { return i.spec.Name == c.Instance })
		switch {
		case n < 0:
			return fmt.Errorf("there is no instance %q", c.Instance)
		case c.Action != sdk.CommandAnnounce:
			return fmt.Errorf("%q is no command: there is %q", c.Action, sdk.CommandAnnounce)
		}
		return p.loop.announceAgain(p.loop.instances[n])
	})
}

// Stop implements sdk.Stopper. With release every role is given away; without, the addresses stay for a successor.
func (p *plugin) Stop(ctx context.Context, release bool) error {
	return p.loop.stop(ctx, release)
}

// check refuses a list that the loop can't work with. The core checks the configuration; this is about a core that is
// wrong.
func check(instances []sdk.VRRPInstance) error {
	names := make(map[string]bool, len(instances))
	for _, i := range instances {
		switch {
		case i.Name == "" || names[i.Name]:
			return fmt.Errorf("instance %q: every instance has a name of its own", i.Name)
		case i.Interface == "":
			return fmt.Errorf("instance %q: it has no interface", i.Name)
		case len(i.Addresses) == 0:
			return fmt.Errorf("instance %q: it has no address", i.Name)
		case i.VirtualRouterID == 0:
			return fmt.Errorf("instance %q: its virtual router ID is 0", i.Name)
		case i.Priority == 0:
			return fmt.Errorf("instance %q: its priority is 0", i.Name)
		}
		names[i.Name] = true
	}
	return nil
}
