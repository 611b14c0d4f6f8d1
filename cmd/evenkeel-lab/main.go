// Command evenkeel-lab is the lab of virtual machines: its set-up, the demonstration, and an interactive lab. The same
// program is PID 1 and agent of the machines, and the real servers' web server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/evenkeel/evenkeel/image/bench/gauge"
	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/guest"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

const usage = `usage:
  evenkeel-lab setup [uml] [qemu]                             get kernels and tools, once
  evenkeel-lab demo [--evenkeel BIN] [--vm uml]               a director, three real servers and a client at work
  evenkeel-lab hold [--mode dr] [--vm uml] [--evenkeel BIN]   a lab to play with
  evenkeel-lab test [--vm uml] PACKAGE                        the TestVM tests of a package, in a machine
  evenkeel-lab bench --evenkeel BIN [--only PART] [--reps N]  performance beside keepalived
`

func main() {
	if guest.IsInit() {
		guest.Init()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "evenkeel-lab:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("no command was given")
	}
	name, args := args[0], args[1:]
	switch name {
	case "agent":
		return guest.Agent(args[0])
	case "web":
		return web(ctx, args)
	case "setup":
		return setup(ctx, args)
	case "demo":
		return demonstrate(ctx, args)
	case "hold":
		return hold(ctx, args)
	case "test":
		return inMachine(ctx, args)
	case "bench":
		return benchmark(ctx, args)
	case "gauge": // in a machine, for bench
		return gauge.Main(ctx, args, os.Stdout)
	}
	return fmt.Errorf("no command is named %q\n%s", name, usage)
}

func web(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("web", flag.ExitOnError)
	name := f.String("name", "rs", "what it answers")
	tcp := f.String("addr", ":80", "TCP address for HTTP")
	udp := f.String("udp", "", "UDP address")
	_ = f.Parse(args) // it exits
	return traffic.Web(ctx, *name, *tcp, *udp, os.Stdout)
}

func setup(ctx context.Context, args []string) error {
	var kinds []lab.Kind
	for _, a := range args {
		k, err := lab.ParseKind(a)
		if err != nil {
			return err
		}
		kinds = append(kinds, k)
	}
	return lab.Setup(ctx, os.Stderr, kinds...)
}
