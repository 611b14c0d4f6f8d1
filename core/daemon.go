// Package core is evenkeel's supervisor at work: it reads a configuration, starts the plugins that it uses, and joins what
// they see to what they should do. It touches no socket, kernel table or disk of its own but its state and its door.
//
//	file --load--> Config ──┐
//	checks ----verdicts-----┤                    ┌--> balancer.Apply
//	vrrp ------transitions--┼--> director.Step --┼--> vrrp.Apply
//	operator --commands-----┘      (pure)        ├--> checks.Apply
//	                                             └--> events --> journal
//
// One goroutine, the loop, owns the director and everything that changes with it. Each plugin has a goroutine that
// carries updates to it and one that listens; they speak with the loop and never with each other.
package core

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/core/journal"
	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/load"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Options are what Run needs to know.
type Options struct {
	Paths    []string // of the configuration: files and folders
	StateDir string   // for what must survive
	Socket   string   // of the control API
	RunDir   string   // for the plugins' sockets
	DryRun   bool     // the kernel is only read
	Release  bool     // at the end, take out of the kernel what is ours
	Self     string   // the evenkeel binary, which is every built-in plugin too
	Version  string
	Builtin  []sdk.Plugin
	Logger   hclog.Logger
	Box      bool            // another process carries the appliance block out
	Reload   <-chan struct{} // a value: read the configuration again (SIGHUP)
	Ready    func()          // called once, when the whole table was handed to the kernel; may be nil
}

// A daemon is a running evenkeel. Fields below "the loop's own" belong to the goroutine of loop.
type daemon struct {
	o       Options
	log     hclog.Logger
	builtin builtins
	journal *journal.Journal
	records *recorder
	plugins *supervisor.Supervisor
	started time.Time

	calls   chan func() // to be run by the loop
	reports chan sdk.CheckReport
	changes chan supervisor.Status
	fatal   chan error // what cannot be lived with, at the start
	reloads chan reloadRequest

	tables    *feed[sdk.TableUpdate]
	instances *feed[[]sdk.VRRPInstance]
	inPlace   chan struct{} // closed when the table is in place, or there is none
	looked    chan struct{} // closed when every check of a real server has had its first verdict

	quit     context.CancelFunc
	linger   atomic.Bool // at the end, the vrrp plugin goes on
	deciding sync.Mutex  // one decision of an operator at a time

	memory load.Memory // of the configuration as it was read last; the reloader's own
	look   looker      // into the kernel's table

	// the loop's own
	director *director.Director // nil until the balancer has said what the kernel holds
	config   *config.Config
	loaded   time.Time
	problem  string // why what runs is not what the files say
	warnings []string
	checks   map[string]*feed[sdk.TargetUpdate] // by type
	probes   map[string]*probeCount             // by target ID
	table    tableState
	vrrp     sdk.VRRP    // of the incarnation that is told its instances, nil when none is
	adopts   bool        // a former core has left a vrrp plugin that goes on
	alarm    *time.Timer // when the director wants to know what time it is

	unsaved   atomic.Bool // there are verdicts that the journal has not
	busy      atomic.Bool // writing them
	saveAfter time.Time   // whoever made it busy has it
	saving    sync.WaitGroup
}

// Run is evenkeel at work, until ctx ends or something cannot be lived with. A configuration with errors is one of
// these only if there is no last good one to run in its place; its error is a *ConfigError.
func Run(ctx context.Context, o Options) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	d := &daemon{
		o: o, log: o.Logger, started: time.Now(), builtin: newBuiltins(o.Builtin),

		calls:   make(chan func()),
		reports: make(chan sdk.CheckReport, 64),
		changes: make(chan supervisor.Status, 64),
		fatal:   make(chan error, 1),
		reloads: make(chan reloadRequest),
		tables:  newFeed[sdk.TableUpdate](),

		instances: newFeed[[]sdk.VRRPInstance](),
		inPlace:   make(chan struct{}),
		looked:    make(chan struct{}),

		checks: map[string]*feed[sdk.TargetUpdate]{},
		probes: map[string]*probeCount{},
		table:  tableState{failures: map[sdk.ServiceKey][]sdk.Failure{}},
		alarm:  time.NewTimer(never),
		quit:   quit,
	}

	j, err := journal.Open(o.StateDir)
	if err != nil {
		return err
	}
	defer j.Close()
	d.journal, d.records = j, newRecorder(j, o.Logger)
	for _, p := range j.Problems() {
		d.log.Warn("the journal was damaged", "problem", p)
	}

	d.plugins, err = supervisor.New(supervisor.Options{
		Self: o.Self, RunDir: o.RunDir, Version: o.Version, DryRun: o.DryRun, Logger: o.Logger, OnChange: d.pluginChanged,
	})
	if err != nil {
		return err
	}

	d.adopts = d.plugins.Lingers(vrrpName)

	fresh, err := d.loadFirst()
	if err != nil {
		return err
	}
	d.log.Debug("the configuration is read", "virtual_servers", len(d.config.VirtualServers), "after", time.Since(d.started).Round(time.Millisecond))
	listener, err := control.Listen(o.Socket)
	if err != nil {
		return err
	}

	loop, stopLoop := context.WithCancel(context.Background())
	defer stopLoop()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer d.records.end()
		return d.loop(loop)
	})
	g.Go(func() error {
		d.records.run()
		return nil
	})
	g.Go(func() error { return control.ServeOn(gctx, listener, &server{d: d}) })
	g.Go(func() error {
		if fresh != nil {
			d.keep(fresh)
			fresh = nil // it holds all that was parsed
		}
		return d.reloader(gctx)
	})
	g.Go(func() error {
		select {
		case err := <-d.fatal:
			return err
		case <-gctx.Done():
			return nil
		}
	})
	// The plugins stop before the loop does, so that their last words are heard.
	g.Go(func() error {
		d.call(gctx, func() {
			d.setPlugins(d.config)
			if len(d.config.VirtualServers) == 0 {
				d.begin(sdk.Observed{}) // there is no balancer to wait for
				close(d.inPlace)
				d.setPlugins(d.config)
			}
		})
		<-gctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		// One that is told to stop can't hold addresses any more; one that fails leaves them to its successor.
		failed := ctx.Err() == nil
		err := d.plugins.Stop(stop, supervisor.Ending{Release: o.Release, Linger: failed || d.linger.Load()})
		stopLoop()
		return err
	})
	return g.Wait()
}

// never is longer than an evenkeel runs.
const never = 100 * 365 * 24 * time.Hour

// loop runs everything that changes the daemon's own state, one thing at a time.
func (d *daemon) loop(ctx context.Context) error {
	save := time.NewTicker(time.Second)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			d.saveLastVerdicts()
			return nil
		case f := <-d.calls:
			f()
		case r := <-d.reports:
			d.report(r)
		case s := <-d.changes:
			d.pluginChange(s)
		case <-d.alarm.C:
			d.step(director.Tick{Now: time.Now()})
			d.unsaved.Store(true)
		case <-save.C:
			d.saveVerdicts(ctx)
		}
	}
}

// call has the loop run f, and waits for it. It says false when ctx ended first; f may still run then.
func (d *daemon) call(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	select {
	case d.calls <- func() { defer close(done); f() }:
	case <-ctx.Done():
		return false
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// begin makes the director, once it is known what the kernel holds. What it holds and should hold stays as it is.
func (d *daemon) begin(held sdk.Observed) {
	if d.director != nil {
		return
	}
	dir, out := director.New(d.config, director.Seed{
		Now: time.Now(), NextEvent: d.journal.NextEvent(), Verdicts: d.journal.Verdicts(), Held: held.Services,
		Adopts: d.adopts, States: d.journal.States(), Released: d.journal.Released(),
	})
	d.director = dir
	d.deliver(out)
}

// step gives the director an input and carries out what it says.
func (d *daemon) step(in director.Input) director.Output {
	out := d.director.Step(in)
	d.deliver(out)
	return out
}

// deliver passes on what the plugins should do, the balancer first, and then has the events written down.
func (d *daemon) deliver(out director.Output) {
	if out.Table.Generation != 0 {
		d.tables.put(out.Table)
	}
	wait := never
	if !out.Wake.IsZero() {
		wait = max(time.Until(out.Wake), 0)
	}
	d.alarm.Reset(wait)
	d.noteLooked()
	if out.Instances != nil {
		d.instances.needFull()
	}
	for typ, u := range out.Targets {
		if f := d.checks[typ]; f != nil {
			f.put(u)
		}
		for _, id := range u.Removed {
			delete(d.probes, id)
		}
	}
	if len(out.Events) > 0 {
		d.records.put(record{events: out.Events})
	}
}

// note makes an event of something that the director does not decide about.
func (d *daemon) note(n director.Note) {
	if d.director == nil {
		d.log.Info(n.Kind, "subject", n.Subject, "to", n.To, "reason", n.Reason)
		return
	}
	n.Now = time.Now()
	d.step(n)
}

// setPlugins tells the supervisor which plugins the configuration uses.
func (d *daemon) setPlugins(cfg *config.Config) {
	var set []supervisor.Plugin
	if len(cfg.VirtualServers) > 0 || d.table.attached {
		set = append(set, supervisor.Plugin{Kind: sdk.KindBalancer, Name: "ipvs", Builtin: true, Attach: d.attachBalancer})
	}
	if p, ok := d.vrrpPlugin(cfg); ok {
		set = append(set, p)
	}
	if d.director != nil {
		for _, typ := range d.director.CheckTypes() {
			if d.checks[typ] == nil {
				d.checks[typ] = newFeed[sdk.TargetUpdate]()
			}
			p := process(sdk.KindCheck, typ, thirdParty(cfg, sdk.KindCheck, typ))
			p.Attach = d.attachCheck(typ, d.checks[typ])
			p.Marks = d.director.Marks(typ)
			set = append(set, p)
		}
		wanted := map[string]bool{}
		for _, typ := range d.director.CheckTypes() {
			wanted[typ] = true
		}
		maps.DeleteFunc(d.checks, func(typ string, _ *feed[sdk.TargetUpdate]) bool { return !wanted[typ] })
	}
	d.plugins.Set(set)
}

// pluginChanged hands what a plugin's process went through to the loop. The supervisor must not wait: in a storm of
// changes some are not told, and status has the truth anyway.
func (d *daemon) pluginChanged(s supervisor.Status) {
	select {
	case d.changes <- s:
	default:
	}
}

// pluginChange makes an event of it, and ends the start of an evenkeel whose balancer cannot work at all.
func (d *daemon) pluginChange(s supervisor.Status) {
	if s.Kind == sdk.KindBalancer && d.director == nil && s.State == supervisor.Failed {
		select {
		case d.fatal <- errors.New(s.LastError):
		default:
		}
		return
	}
	if s.State == supervisor.Starting {
		return // what comes of it is of interest
	}
	d.note(director.Note{Kind: "plugin", Subject: s.String(), To: string(s.State), Reason: s.LastError})
}

// A ConfigError is a configuration that cannot be run. Its text is what a person should read: the diagnostics.
type ConfigError struct{ Text string }

// Error returns the diagnostics.
func (e *ConfigError) Error() string { return e.Text }
