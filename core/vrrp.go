package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// vrrpName is the name of the vrrp plugin, as the supervisor knows it.
const vrrpName = "vrrp"

// vrrpPlugin is the plugin that a configuration with vrrp_instances needs. ok is false for one without, for a binary that
// has no such plugin, and in a dry run, which takes no part in anything.
func (d *daemon) vrrpPlugin(cfg *config.Config) (p supervisor.Plugin, ok bool) {
	if len(cfg.VRRPInstances) == 0 || d.o.DryRun || !d.hasVRRP() {
		return p, false
	}
	return supervisor.Plugin{Kind: sdk.KindVRRP, Name: vrrpName, Builtin: true, Attach: d.attachVRRP}, true
}

func (d *daemon) hasVRRP() bool {
	_, ok := d.builtin[typeName{string(sdk.KindVRRP), vrrpName}]
	return ok
}

// firstLook bounds how long instances wait for the first verdicts on real servers.
const firstLook = 10 * time.Second

// noteLooked notes that every check of a real server has had its first verdict. That happens once.
func (d *daemon) noteLooked() {
	select {
	case <-d.looked:
	default:
		if d.director.Looked() {
			close(d.looked)
		}
	}
}

// prepared waits until this director can serve what its addresses bring: the table is in place, and all real servers have
// been looked at. A director that took the role back before that would take clients from one that serves them.
func (d *daemon) prepared(ctx context.Context) error {
	select {
	case <-d.inPlace:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-d.looked:
	case <-time.After(firstLook):
		d.log.Warn("some real servers have not been looked at; the vrrp_instances begin all the same", "after", firstLook)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// attachVRRP serves one incarnation of the vrrp plugin: it is heard first, so that nothing is missed of what it does then,
// and told all instances when the director is prepared, and again with every change. To end it costs more than anything
// that it may refuse, so that what fails is tried again.
func (d *daemon) attachVRRP(ctx context.Context, in *supervisor.Instance) error {
	if err := d.prepared(ctx); err != nil {
		return err
	}
	v := in.VRRP()
	if !d.call(ctx, func() { d.vrrp = v }) {
		return ctx.Err()
	}
	defer d.call(context.Background(), func() {
		if d.vrrp == v {
			d.vrrp = nil
		}
	})
	heard := make(chan struct{})
	var once sync.Once
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return again(ctx, func() error {
			err := v.Watch(ctx, func(r sdk.VRRPReport) {
				d.call(ctx, func() { d.heard(r) })
				once.Do(func() { close(heard) })
			})
			if ctx.Err() == nil {
				d.log.Error("the vrrp plugin's reports have ended; asking again", "error", err)
			}
			return errors.Join(err, errUnheard)
		})
	})
	g.Go(func() error {
		select {
		case <-heard:
		case <-ctx.Done():
			return ctx.Err()
		}
		return again(ctx, func() error { return d.pumpInstances(ctx, v) })
	})
	return g.Wait()
}

// errUnheard is that reports ended, which they never should.
var errUnheard = errors.New("the reports have ended")

// again calls f until it returns nil or ctx ends, at least a second apart.
func again(ctx context.Context, f func() error) error {
	for {
		if err := f(); err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// pumpInstances tells a vrrp plugin all instances, and again whenever they are others.
func (d *daemon) pumpInstances(ctx context.Context, v sdk.VRRP) error {
	d.instances.needFull()
	return d.instances.pump(ctx, func() (all []sdk.VRRPInstance, ok bool) {
		ok = d.call(ctx, func() { all = d.director.Instances() })
		return all, ok
	}, func(all []sdk.VRRPInstance) error {
		actx, cancel := context.WithTimeout(ctx, applyTimeout)
		defer cancel()
		if err := v.Apply(actx, all); err != nil {
			d.log.Error("the vrrp plugin refuses its instances; telling it again", "error", err)
			return fmt.Errorf("telling vrrp its instances: %w", err)
		}
		return nil
	})
}

// heard takes in what the vrrp plugin reported, and keeps the states for the next core.
func (d *daemon) heard(r sdk.VRRPReport) {
	d.step(director.VRRP{Now: time.Now(), Report: r})
	if len(r.Transitions) > 0 {
		d.records.put(record{states: d.director.States()})
	}
}

// release carries out an operator's decision about an instance. It is on the disk before anything comes of it. unchanged
// says that it stood already.
func (d *daemon) release(ctx context.Context, instance string, released bool) (unchanged bool, err error) {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	var names []string
	if err := d.ask(ctx, func() error {
		names = d.director.Released()
		if slices.Contains(names, instance) == released {
			unchanged = true
		} else if released {
			return d.knownInstance(instance)
		}
		return nil
	}); err != nil || unchanged {
		return unchanged, err
	}
	if released {
		names = append(names, instance)
		slices.Sort(names)
	} else {
		names = slices.DeleteFunc(names, func(n string) bool { return n == instance })
	}
	if err := d.journal.SaveReleased(names); err != nil {
		return false, fmt.Errorf("nothing was done, because it could not be written down: %w", err)
	}
	return false, d.ask(ctx, func() error {
		d.step(director.Release{Now: time.Now(), Instance: instance, Released: released})
		return nil
	})
}

// announce has an instance that is master announce its addresses again.
func (d *daemon) announce(ctx context.Context, instance string) error {
	var v sdk.VRRP
	if err := d.ask(ctx, func() error {
		if err := d.knownInstance(instance); err != nil {
			return err
		}
		if state := d.director.States()[instance]; state != sdk.VRRPMaster {
			return fmt.Errorf("vrrp_instance %s is not master here (%s), and holds no addresses that it could announce", instance, orUnknown(state))
		}
		if v = d.vrrp; v == nil {
			return errors.New("the vrrp plugin does not run just now; see \"evenkeel status\"")
		}
		return nil
	}); err != nil {
		return err
	}
	if err := v.Command(ctx, sdk.VRRPCommand{Instance: instance, Action: sdk.CommandAnnounce}); err != nil {
		return fmt.Errorf("announcing the addresses of vrrp_instance %s: %w", instance, err)
	}
	return nil
}

// ask has the loop run f once there is a director.
func (d *daemon) ask(ctx context.Context, f func() error) error {
	var err error
	if !d.call(ctx, func() {
		if d.director == nil {
			err = errors.New("evenkeel has not begun yet; try again in a moment")
			return
		}
		err = f()
	}) {
		return errors.New(stopping)
	}
	return err
}

// knownInstance says which instances there are if none has that name.
func (d *daemon) knownInstance(name string) error {
	var names []string
	for _, v := range d.config.VRRPInstances {
		if v.Name == name {
			return nil
		}
		names = append(names, v.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no vrrp_instance %q: none is configured", name)
	}
	return fmt.Errorf("there is no vrrp_instance %q; there are: %s", name, strings.Join(names, ", "))
}

// orUnknown is a state in words.
func orUnknown(s sdk.VRRPState) string {
	if s == "" {
		return "its state is not known"
	}
	return string(s)
}
