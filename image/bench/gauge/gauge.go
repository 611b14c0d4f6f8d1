// Package gauge is the part of the benchmark that runs inside the virtual machine, next to what it measures: times are taken
// with the machine's own clock, around nothing but the thing itself. Each command prints one line of JSON.
//
//	start    a daemon, and the time until the kernel has the whole table, or until the daemon says something in its log
//	reload   SIGHUP, and the time until one real server has another weight in the kernel
//	stop     SIGTERM, and the time until all processes of the daemon are gone
//	run      a command to its end, with a file as its input
//	memory   of all processes of a daemon
//	writes   that evenkeel says it has done to the kernel's table
//	sink     a server that accepts and closes, for checks; by option it answers by HTTP, and tells who came when
//	calm     until the machine is idle for half of the time
//	react    real servers that fail, one after the other, and the times until the kernel has no weight for them
package gauge

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

// A Reading is what a command prints.
type Reading struct {
	Seconds float64         `json:"seconds,omitempty"`
	PID     int             `json:"pid,omitempty"`
	Writes  uint64          `json:"writes,omitempty"`
	Memory  []ProcessMemory `json:"memory,omitempty"`
	Each    []float64       `json:"each,omitempty"` // seconds, of each of several things
}

// Main runs a command and prints its reading. It ends with an error when ctx does.
func Main(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("gauge: which one? start, reload, stop, run, memory, writes, calm, react or sink")
	}
	f := flag.NewFlagSet("gauge "+args[0], flag.ContinueOnError)
	var (
		log      = f.String("log", "/dev/null", "file for what the daemon writes")
		said     = f.String("said", "", "wait for this text in the log, not for the table")
		first    = f.String("first", "", "address and port of the first virtual server; the others have the following addresses")
		services = f.Int("services", 0, "number of virtual servers")
		servers  = f.Int("servers", 0, "number of real servers of each")
		weight   = f.Int("weight", 0, "weight to wait for")
		pid      = f.Int("pid", 0, "first process of the daemon")
		input    = f.String("input", "/dev/null", "file to read from")
		listen   = f.String("listen", "0.0.0.0:8080", "where to accept")
		ask      = f.String("ask", "", "where to answer questions about the checks that have come, or to ask; empty: nowhere")
		http     = f.Bool("http", false, "answer the checks by HTTP")
		every    = f.Duration("every", time.Second, "time between two checks of one address")
	)
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	var r Reading
	var err error
	switch args[0] {
	case "start":
		var t table
		if t, err = newTable(*first, *services, *servers); err == nil {
			r, err = start(ctx, t, *log, *said, f.Args())
		}
	case "reload":
		var t table
		if t, err = newTable(*first, 1, *servers); err == nil {
			r, err = reload(ctx, t, *pid, *weight)
		}
	case "calm":
		r.Seconds, err = calm(ctx, procFS)
	case "react":
		var t table
		if t, err = newTable(*first, 1, f.NArg()); err == nil {
			r.Each, err = react(ctx, t, *ask, f.Args())
		}
	case "stop":
		r, err = stop(ctx, *pid)
	case "run":
		r, err = runCommand(ctx, *input, f.Args())
	case "memory":
		r.Memory, err = memory(procFS, *pid)
	case "writes":
		r.Writes, err = writes(ctx, f.Args())
	case "sink":
		if *ask == "" {
			return sink(*listen, nil)
		}
		return visited(*listen, *ask, *http, f.Args(), *every)
	default:
		return fmt.Errorf("gauge: there is no %q", args[0])
	}
	if err != nil {
		return fmt.Errorf("gauge %s: %w", args[0], err)
	}
	return json.NewEncoder(out).Encode(r)
}

// newTable opens the kernel's table for looking at it.
func newTable(first string, services, servers int) (table, error) {
	a, err := netip.ParseAddrPort(first)
	if err != nil {
		return table{}, fmt.Errorf("the first virtual server: %w", err)
	}
	s, err := openSocket()
	return table{first: a, services: services, servers: servers, kernel: s}, err
}

// patience is how long anything may take: on a machine that others use, too, one thing has taken four minutes.
const patience = 10 * time.Minute

// until asks again and again whether something is so, and returns the time it took, from began on.
func until(ctx context.Context, began time.Time, every time.Duration, so func() (bool, error)) (float64, error) {
	for {
		ok, err := so()
		passed := time.Since(began)
		if err != nil || ok {
			return passed.Seconds(), err
		}
		if passed > patience {
			return 0, fmt.Errorf("not within %v", patience)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(every):
		}
	}
}

// lastLines returns the end of a log, for an error.
func lastLines(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	const most = 1500
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}
