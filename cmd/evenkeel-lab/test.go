package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/image/lab"
)

// inMachine runs the TestVM tests of a package in a machine.
func inMachine(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("test", flag.ExitOnError)
	kind := f.String("vm", "uml", "kind of machine: uml or qemu")
	_ = f.Parse(args) // it exits
	k, err := lab.ParseKind(*kind)
	if err != nil {
		return err
	}
	if f.NArg() != 1 {
		return errors.New("test: name one package, as go test does")
	}
	l, err := lab.New(ctx, lab.Options{Kind: k, Directors: -1, RealServers: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	results, err := l.RunTestBinary(ctx, k, f.Arg(0), os.Stdout)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Outcome == "FAIL" {
			return fmt.Errorf("%s failed", r.Name)
		}
	}
	return nil
}
