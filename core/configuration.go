package core

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/load"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// loadFirst reads the configuration at the start. One with errors is replaced by the last good one if there is one: a box
// that was restarted in the night of a failure carries on with what it ran before, and says so.
func (d *daemon) loadFirst() (*load.Diagnostics, error) {
	c := newCatalog(d.builtin, d.plugins.Describe)
	defer c.close()
	cfg, diags := load.Load(d.o.Paths, loadOptions(c, &d.memory))
	if !diags.HasErrors() {
		d.accept(cfg, diags)
		return diags, nil
	}
	problem := diags.Text()
	sources, when, ok := d.journal.LastConfig()
	if !ok {
		return nil, &ConfigError{Text: problem}
	}
	cfg, again := load.Sources(sourcesOf(sources), loadOptions(c, &d.memory))
	if again.HasErrors() {
		return nil, &ConfigError{Text: problem + "\nand the last good configuration, of " + when.Format(time.DateTime) + ", is not good any more:\n" + again.Text()}
	}
	d.config, d.loaded, d.warnings = cfg, time.Now(), d.allWarnings(cfg, again)
	d.problem = fmt.Sprintf("this is the last good configuration, of %s, because the files have errors:\n%s", when.Format(time.DateTime), problem)
	d.log.Error("the configuration has errors; running the last good one", "from", when.Format(time.DateTime), "paths", strings.Join(d.o.Paths, " "))
	fmt.Fprintln(os.Stderr, problem)
	return nil, nil
}

// accept makes cfg the configuration that runs.
func (d *daemon) accept(cfg *config.Config, diags *load.Diagnostics) {
	d.config, d.loaded, d.problem, d.warnings = cfg, time.Now(), "", d.allWarnings(cfg, diags)
	for _, w := range d.warnings {
		d.log.Warn(w)
	}
}

// keep makes what was read the last good configuration, and gets ready for the next reading. It waits for the disk, so it is
// not for the loop.
func (d *daemon) keep(diags *load.Diagnostics) {
	if err := d.journal.SaveConfig(textsOf(diags.Sources()), time.Now()); err != nil {
		d.log.Error("the configuration could not be kept as the last good one", "error", err)
	}
	d.memory.Prepare()
}

// allWarnings are the loader's and what this version does not do yet.
func (d *daemon) allWarnings(cfg *config.Config, diags *load.Diagnostics) []string {
	ws := diags.Warnings()
	ahead := func(p config.Position, what string) {
		ws = append(ws, fmt.Sprintf("%s: %s: not carried out by this version", p, what))
	}
	for _, v := range cfg.VRRPInstances {
		if !d.hasVRRP() {
			ahead(v.Position, fmt.Sprintf("vrrp_instance %q", v.Name))
		}
	}
	for _, vs := range cfg.VirtualServers {
		if vs.SorryPage != nil {
			ahead(vs.SorryPage.Position, fmt.Sprintf("sorry_page of virtual_server %q", vs.Name))
		}
	}
	for _, n := range cfg.Notifies {
		ahead(n.Position, fmt.Sprintf("notify %q %q", n.Type, n.Name))
	}
	for _, p := range cfg.Provisions {
		ahead(p.Position, fmt.Sprintf("provision %q %q", p.Type, p.Name))
	}
	if cfg.Appliance != nil && !d.o.Box {
		ws = append(ws, fmt.Sprintf("%s: appliance: ignored, evenkeel is not the whole system here", cfg.Appliance.Position))
	}
	return ws
}

// A reloadRequest asks for the files to be read again. done gets exactly one answer; it may be nil.
type reloadRequest struct{ done chan<- reloadResult }

// A reloadResult says what came of it.
type reloadResult struct {
	problem  string // not "": nothing changed, and this says why
	warnings []string
	changes  []string
	writes   uint32
}

// reloader reads the configuration again when asked, one request at a time, beside the loop: reading takes a while and
// the verdicts must not wait for it.
func (d *daemon) reloader(ctx context.Context) error {
	for {
		var r reloadRequest
		select {
		case <-ctx.Done():
			return nil
		case <-d.o.Reload:
		case r = <-d.reloads:
		}
		res := d.reload(ctx)
		if r.done != nil {
			r.done <- res
		}
	}
}

func (d *daemon) reload(ctx context.Context) reloadResult {
	c := newCatalog(d.builtin, d.plugins.Describe)
	defer c.close()
	cfg, diags := load.Load(d.o.Paths, loadOptions(c, &d.memory))
	if diags.HasErrors() {
		problem := diags.Text()
		d.log.Error("the configuration has errors; what runs stays as it is", "paths", strings.Join(d.o.Paths, " "), "errors", problem)
		d.call(ctx, func() {
			d.problem = "the last reload failed, and what ran before goes on:\n" + problem
			d.note(director.Note{Kind: "config", Subject: strings.Join(d.o.Paths, " "), To: "refused", Reason: firstLine(problem)})
		})
		return reloadResult{problem: problem}
	}
	var res reloadResult
	done := make(chan uint32, 1)
	if !d.call(ctx, func() {
		d.accept(cfg, diags)
		res.warnings = d.warnings
		if d.director == nil {
			d.setPlugins(cfg)
			done <- 0
			return
		}
		writes := d.table.writes
		out := d.step(director.Configure{Now: time.Now(), Config: cfg})
		d.setPlugins(cfg)
		d.unsaved.Store(true)
		for _, e := range out.Events {
			res.changes = append(res.changes, describeChange(e))
		}
		switch {
		case out.Table.Generation == 0:
			done <- 0
		default:
			d.table.waiters = append(d.table.waiters, applyWaiter{out.Table.Generation, writes, done})
		}
		d.log.Info("the configuration was read again", "changes", len(out.Events))
	}) {
		return reloadResult{problem: stopping}
	}
	select {
	case res.writes = <-done:
	case <-time.After(10 * time.Second):
		res.warnings = append(res.warnings, "the kernel's table has not taken the change within 10 s; see \"evenkeel status\"")
	case <-ctx.Done():
	}
	d.keep(diags) // after the kernel has it, because it costs more than all the rest
	return res
}

func describeChange(e sdk.Event) string {
	s := e.Kind + " " + e.Subject
	switch {
	case e.From != "" && e.To != "":
		s += ": " + e.From + " -> " + e.To
	case e.To != "":
		s += ": " + e.To
	}
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// textsOf and sourcesOf turn what was read into what the journal keeps, and back.
func textsOf(sources []load.Source) map[string][]byte {
	texts := make(map[string][]byte, len(sources))
	for _, s := range sources {
		texts[s.Name] = s.Text
	}
	return texts
}

func sourcesOf(texts map[string][]byte) []load.Source {
	var sources []load.Source
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		sources = append(sources, load.Source{Name: name, Text: texts[name]})
	}
	return sources
}
