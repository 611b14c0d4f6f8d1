package main

import (
	"context"
	"flag"
	"os"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/demo"
)

// demonstrate shows evenkeel at work.
func demonstrate(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("demo", flag.ExitOnError)
	evenkeel := f.String("evenkeel", "dist/evenkeel", "the binary to show")
	kind := f.String("vm", "uml", "kind of the director's machine: uml or qemu")
	_ = f.Parse(args) // it exits
	k, err := lab.ParseKind(*kind)
	if err != nil {
		return err
	}
	return demo.Run(ctx, os.Stdout, demo.Options{Evenkeel: *evenkeel, Kind: k})
}
