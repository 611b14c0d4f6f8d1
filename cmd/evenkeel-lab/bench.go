package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/evenkeel/evenkeel/image/bench"
	"github.com/evenkeel/evenkeel/image/lab"
)

// benchmark measures evenkeel beside keepalived. Its table goes to standard output, progress to standard error.
func benchmark(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	o := bench.Options{Out: os.Stdout, Log: os.Stderr}
	f.StringVar(&o.Evenkeel, "evenkeel", "", "evenkeel's binary, a static one; without it only keepalived is measured")
	f.StringVar(&o.Keepalived, "keepalived", "/usr/sbin/keepalived", "keepalived's binary")
	f.StringVar(&o.Only, "only", "", "one part: "+strings.Join(bench.Parts(), ", "))
	f.StringVar(&o.Checks, "checks", "", "of the part probes, one type of check: tcp, http")
	f.IntVar(&o.Reps, "reps", 0, "runs of each thing; 0: each part's own; 1: a short trial")
	f.IntVar(&o.Scale, "virtual-servers", 1000, "1 to 1000; goals are for 1000")
	kind := f.String("vm", "qemu", "kind of machine: qemu, which slows everything down alike, or uml, where a system call costs far more than computing")
	_ = f.Parse(args) // it exits
	if f.NArg() > 0 {
		return fmt.Errorf("bench: what is %q?", f.Arg(0))
	}
	var err error
	if o.Kind, err = lab.ParseKind(*kind); err != nil {
		return err
	}
	return bench.Run(ctx, o)
}
