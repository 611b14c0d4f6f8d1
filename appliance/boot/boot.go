// Package boot takes a box from its kernel to a running evenkeel, as a list of named steps.
package boot

import (
	"fmt"
	"io"
	"time"

	"github.com/evenkeel/evenkeel/appliance/problem"
)

// A Step is one part of the way up.
type Step struct {
	Name string // what it does: "mount the data partition"
	Run  func() error
	// Needed means that there is no going on without it. What is not needed is said and remembered: a box that
	// stands at its console saying what is wrong is better than one that starts again and again.
	Needed bool
	Then   string // how a person goes on after it has failed, for the console
}

// A Sequence runs steps one after the other, once.
type Sequence struct {
	Log      *Log
	Problems []problem.Problem // of the steps that failed and were not needed
}

// Run runs the steps. Its error is that of a step that was needed; the steps after it were not run.
func (s *Sequence) Run(steps []Step) error {
	for _, step := range steps {
		start := time.Now()
		err := step.Run()
		took := time.Since(start).Round(time.Millisecond)
		if err == nil {
			s.Log.Debug("%s: %v", step.Name, took)
			continue
		}
		err = fmt.Errorf("%s: %w", step.Name, err)
		s.Log.Error("%v", err)
		if step.Needed {
			return err
		}
		s.Problems = append(s.Problems, problem.Problem{What: err.Error(), Then: step.Then})
	}
	return nil
}

// A Log writes to the kernel's log, which is there from the first moment, reaches every console, and is what a crash
// leaves behind. W is /dev/kmsg.
type Log struct {
	W    io.Writer
	Name string // of who speaks
}

// The kernel's levels (include/linux/kern_levels.h), for programs: facility "user" is 1. A notice is a warning to the
// kernel: consoles show these and what is worse, but not the kernel's own notices, which are many.
const (
	kernError  = 1<<3 | 3
	kernNotice = 1<<3 | 4
	kernDebug  = 1<<3 | 6
)

func (l *Log) write(level int, format string, args ...any) {
	_, _ = fmt.Fprintf(l.W, "<%d>%s: %s\n", level, l.Name, fmt.Sprintf(format, args...))
}

// Error says what went wrong.
func (l *Log) Error(format string, args ...any) { l.write(kernError, format, args...) }

// Notice says what everybody at the console should see.
func (l *Log) Notice(format string, args ...any) { l.write(kernNotice, format, args...) }

// Debug says what the log only should have.
func (l *Log) Debug(format string, args ...any) { l.write(kernDebug, format, args...) }

// Write says a line of somebody else's, so that a Log can take a process's output.
func (l *Log) Write(p []byte) (int, error) {
	l.write(kernNotice, "%s", trimEnd(p))
	return len(p), nil
}

func trimEnd(p []byte) []byte {
	for len(p) > 0 && (p[len(p)-1] == '\n' || p[len(p)-1] == '\r') {
		p = p[:len(p)-1]
	}
	return p
}
