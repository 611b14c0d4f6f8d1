// Mkimage makes the disk image of the box. "make image" calls it as it should be called.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/image/build"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o := build.Options{Progress: os.Stderr}
	f := flag.NewFlagSet("mkimage", flag.ContinueOnError)
	f.StringVar(&o.Version, "version", "", "version of the image")
	f.StringVar(&o.Evenkeel, "evenkeel", "dist/evenkeel", "the program evenkeel")
	f.StringVar(&o.Forms, "forms", "dist/evenkeel-forms", "the program evenkeel-forms")
	f.StringVar(&o.Init, "init", "dist/init", "the program init")
	f.StringVar(&o.Out, "out", "dist", "folder for the results")
	f.StringVar(&o.Cache, "cache", ".cache/debian", "folder that keeps Debian's packages")
	f.IntVar(&o.Processors, "processors", runtime.NumCPU(), "how many to compress with")
	formats := f.String("formats", strings.Join(build.Formats, ","), "what to make")
	f.StringVar(&o.Keys, "keys", "", "folder of minisign public keys (*.pub): the image takes updates that one of them has signed; without it, none")
	sign := f.String("sign", "", "minisign secret key that signs the slot, so that boxes take it as an update")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.Version == "" || f.NArg() > 0 {
		return errors.New("usage: mkimage --version VERSION [flags]")
	}
	o.Formats = strings.Split(*formats, ",")
	s, err := newSigner(*sign, o.Keys)
	if err != nil {
		return err
	}
	o.Bundle = func(slot, out string) error { return s.bundle(o.Version, slot, out) }
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH has to say the time that the image's files are to have, in seconds since 1970: %w", err)
	}
	o.Epoch = time.Unix(epoch, 0).UTC()
	if o.Work, err = os.MkdirTemp("", "mkimage-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.Work)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return build.Build(ctx, o)
}
