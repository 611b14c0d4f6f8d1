// Package bench measures evenkeel beside keepalived: in the same place, in the same run, by turns.
//
// What needs the kernel's IPVS is measured inside one virtual machine, by a small program there (package gauge); what does
// not, on the host itself, in network namespaces where it needs a network. Only ratios between columns of one row mean anything: a machine's times are several times those
// of hardware.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
)

// Options say what is measured.
type Options struct {
	Evenkeel   string // the binary; "": only the peer is measured
	Keepalived string // the peer's
	Kind       lab.Kind
	Only       string // one of Parts; "": all of them
	Reps       int    // 0: each part's own
	Checks     string // of the part probes: only those of one type, "tcp" or "http"; "": all of them
	Scale      int    // virtual servers; 0: 1000
	Out        io.Writer
	Log        io.Writer // progress
}

// Parts are the parts of the benchmark, in their order.
func Parts() []string { return []string{"validate", "table", "checks", "vrrp", "probes"} }

func (o *Options) complete() error {
	if o.Only != "" && !slices.Contains(Parts(), o.Only) {
		return fmt.Errorf("no part is named %q: %s", o.Only, strings.Join(Parts(), ", "))
	}
	if o.Scale == 0 {
		o.Scale = 1000
	}
	if o.Scale < 1 || o.Scale > 1000 {
		return fmt.Errorf("%d virtual servers: there are addresses for 1 to 1000", o.Scale)
	}
	for _, p := range []*string{&o.Evenkeel, &o.Keepalived} {
		if *p == "" {
			continue
		}
		found, err := exec.LookPath(*p)
		if err != nil {
			return fmt.Errorf("what is to be measured: %w", err)
		}
		if *p, err = filepath.Abs(found); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) reps(usual int) int {
	if o.Reps > 0 {
		return o.Reps
	}
	return usual
}

// span shortens a time of watching when few runs are asked for, as a trial of the benchmark itself does.
func (o *Options) span(usual time.Duration) time.Duration {
	if o.Reps == 1 {
		return usual / 10
	}
	return usual
}

// Run measures, and writes a table. It fails when something did not work, never because something is slow. What was
// measured before is written all the same.
func Run(ctx context.Context, o Options) error {
	if err := o.complete(); err != nil {
		return err
	}
	r := &Report{Log: o.Log}
	err := o.measure(ctx, r)
	fmt.Fprintf(o.Out, "\n%s\n%s", o.heading(), r.Markdown())
	return err
}

func (o *Options) measure(ctx context.Context, r *Report) error {
	var errs []error
	wanted := func(part string) bool { return ctx.Err() == nil && (o.Only == "" || o.Only == part) }
	if wanted("validate") {
		errs = append(errs, o.validate(ctx, r))
	}
	if wanted("table") {
		errs = append(errs, o.machine(ctx, r, NoChecks))
	}
	if wanted("checks") {
		errs = append(errs, o.machine(ctx, r, PerVirtualServer))
	}
	if wanted("vrrp") {
		errs = append(errs, o.vrrp(ctx, r))
	}
	if wanted("probes") {
		errs = append(errs, o.probes(ctx, r))
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// heading says what the numbers are of.
func (o *Options) heading() string {
	version := "keepalived"
	// It writes to standard error.
	if out, err := exec.Command(o.Keepalived, "--version").CombinedOutput(); err == nil {
		version, _, _ = strings.Cut(string(out), "\n")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("min / median / max; ratio of the medians, evenkeel to keepalived.\n%s; machines of kind %s; %d processors, load at the end %s.\n",
		version, o.Kind, runtime.NumCPU(), one)
}
