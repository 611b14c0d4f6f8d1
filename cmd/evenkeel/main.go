// Evenkeel is everything at run time: the director ("run"), its plugins ("plugin NAME", started by the director itself)
// and what a person asks them ("status", "reload", "validate" …).
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/core/supervisor"
)

// version is set by the linker.
var version = "development"

func main() {
	// The processes that the supervisor starts are told apart before anything else runs: a plugin is none of the
	// command line's business.
	if len(os.Args) > 2 {
		switch {
		case os.Args[1] == supervisor.PluginArgument && !isPluginCommand(os.Args[2]):
			os.Exit(servePlugin(os.Args[2]))
		case os.Args[1] == supervisor.ExecArgument:
			fmt.Fprintln(os.Stderr, supervisor.Exec(os.Args[2:]))
			os.Exit(supervisor.ExecFailed)
		}
	}
	os.Exit(run(os.Args[1:]))
}

// An exitError ends the process with a status of its own. Its message was printed already when err is nil.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	var ee exitError
	if errors.As(err, &ee) {
		if ee.err != nil {
			fmt.Fprintln(os.Stderr, "evenkeel:", ee.err)
		}
		return ee.code
	}
	fmt.Fprintln(os.Stderr, "evenkeel:", err)
	return 1
}
