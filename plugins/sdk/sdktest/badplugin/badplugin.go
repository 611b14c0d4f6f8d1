// Package badplugin has plugins that do all that a plugin must not do. Each is a check plugin of which Serve is the main
// function; tests start their own binary again as one of them. Whatever a bad plugin does, it may cost its own function
// and nothing else.
package badplugin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The ways of being bad. "good" is a good one.
var ways = map[string]func(){
	"good":              func() { serve("good", &checker{}) },
	"exits-at-once":     exitsAtOnce,
	"silent":            func() { forever() },
	"prints-first":      func() { fmt.Println("Welcome to my plugin!"); serve("prints-first", &checker{}) },
	"endless-line":      endlessLine,
	"other-version":     func() { handshake("1|99|unix|" + socketDir() + "/s|grpc"); forever() },
	"elsewhere":         func() { handshake("1|1|unix|/tmp/elsewhere|grpc"); forever() },
	"over-tcp":          func() { handshake("1|1|tcp|127.0.0.1:1|grpc"); forever() },
	"other-process":     otherProcess,
	"lies-about-name":   func() { serve("somebody-else", &checker{}) },
	"lies-about-kind":   liesAboutKind,
	"lies-about-schema": func() { serveRaw(&liar{name: "lies-about-schema"}) },
	"deep-schema":       func() { serveRaw(&liar{name: "deep-schema", deep: true}) },
	"no-service":        func() { serveRaw(&liar{name: "no-service", honest: true}) },
	"hangs-in-describe": func() { serveWith("hangs-in-describe", func(sdk.Host) sdk.Checker { forever(); return nil }) },
	"quits-describing":  func() { serveRaw(quitter{}) },
	"panics-in-open":    func() { serveWith("panics-in-open", func(sdk.Host) sdk.Checker { panic("no hands") }) },
	"hangs-in-stop":     func() { serve("hangs-in-stop", &checker{stop: func() { forever() }}) },
	"dies-in-apply":     func() { serve("dies-in-apply", &checker{apply: func() { os.Exit(3) }}) },
	"panics-in-apply":   func() { serve("panics-in-apply", &checker{apply: func() { panic("not a target") }}) },
	"panics-beside":     panicsBeside,
	"panics-in-probe":   panicsInProbe,
	"hangs-in-apply":    func() { serve("hangs-in-apply", &checker{apply: func() { forever() }}) },
	"floods-log":        floodsLog,
	"floods-stdout":     floodsStdout,
	"forks":             forks,
	"huge-message":      func() { serve("huge-message", &checker{report: hugeReport()}) },
	"stops-itself":      stopsItself,
	"grows":             grows,
}

// Ways returns the names of all ways of being bad, and "good".
func Ways() []string {
	var names []string
	for name := range ways {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Serve is the main function of the check plugin that is bad in the way of its name.
func Serve(way string) {
	f, ok := ways[way]
	if !ok {
		fmt.Fprintf(os.Stderr, "no plugin is bad in the way %q\n", way)
		os.Exit(2)
	}
	f()
}

func serve(name string, c *checker) {
	serveWith(name, func(h sdk.Host) sdk.Checker {
		c.host = h
		return c
	})
}

func serveWith(name string, open func(sdk.Host) sdk.Checker) {
	sdk.Serve(sdk.NewCheckEngine(sdk.Info{Name: name, Version: "6.6.6"}, open))
}

// A checker has hooks for what can go wrong.
type checker struct {
	host        sdk.Host
	apply, stop func()
	report      sdk.CheckReport
}

func (c *checker) Apply(context.Context, sdk.TargetUpdate) error {
	if c.apply != nil {
		c.apply()
	}
	return nil
}

func (c *checker) Watch(ctx context.Context, report func(sdk.CheckReport)) error {
	c.report.Snapshot = true
	report(c.report)
	<-ctx.Done()
	return ctx.Err()
}

func (c *checker) Probe(context.Context, sdk.Target) error { return nil }

func (c *checker) Stop(context.Context, bool) error {
	if c.stop != nil {
		c.stop()
	}
	return nil
}

func exitsAtOnce() {
	fmt.Fprintln(os.Stderr, "my licence has expired")
	os.Exit(1)
}

func endlessLine() {
	line := strings.Repeat("never ends ", 1<<16)
	for {
		fmt.Print(line)
	}
}

func liesAboutKind() {
	sdk.Serve(sdk.NewNotify(sdk.Info{Name: "lies-about-kind"}, func(context.Context, sdk.Delivery, struct{}) error { return nil }))
}

func panicsBeside() {
	serve("panics-beside", &checker{apply: func() {
		go func() { panic("in a goroutine of my own") }()
		forever()
	}})
}

func panicsInProbe() {
	type config struct {
		Say string `attr:"say"`
	}
	sdk.Serve(sdk.NewCheck(sdk.Info{Name: "panics-in-probe"}, func(context.Context, sdk.Target, config) error {
		panic("what is a target?")
	}))
}

func floodsLog() {
	c := &checker{}
	c.apply = func() {
		for i := range 200_000 {
			c.host.Logger.Info("look at me", "i", i)
		}
	}
	serve("floods-log", c)
}

func floodsStdout() {
	serve("floods-stdout", &checker{apply: func() {
		for i := range 100_000 {
			fmt.Println("look at me", i)
		}
		fmt.Println(strings.Repeat("x", 1<<20))
	}})
}

// forks leaves a child with its stderr behind when it dies.
func forks() {
	serve("forks", &checker{apply: func() {
		child := exec.Command("sleep", "300")
		child.Stdout, child.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}})
}

func hugeReport() sdk.CheckReport {
	return sdk.CheckReport{Verdicts: []sdk.Verdict{{TargetID: strings.Repeat("x", 20<<20)}}}
}

func stopsItself() {
	serve("stops-itself", &checker{apply: func() {
		go func() {
			time.Sleep(10 * time.Millisecond) // so that Apply is answered
			syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		}()
	}})
}

func grows() {
	var hoard [][]byte
	serve("grows", &checker{apply: func() {
		go func() {
			for range 256 {
				b := make([]byte, 1<<20)
				for i := range b {
					b[i] = 1
				}
				hoard = append(hoard, b)
				time.Sleep(time.Millisecond)
			}
		}()
	}})
}

// forever does nothing and does not return. An empty select in a process without other goroutines would be a deadlock,
// which Go's runtime ends.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}
