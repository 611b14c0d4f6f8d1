package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/syslog"
)

const logFolder = "/data/log" // where a box keeps its log

// A logReader is what "evenkeel logs" does.
type logReader struct {
	dir     string
	follow  bool
	since   time.Duration
	grep    string
	service string
	lines   int

	word *regexp.Regexp // grep
	name *regexp.Regexp // service
	from time.Time
	// kernel opens the kernel's log.
	kernel func() (kernelLog, error)
}

// A kernelLog is a syslog.KernelLog.
type kernelLog interface {
	Read(wait time.Duration, f func(syslog.Message)) error
	Close() error
}

func newLogs() *cobra.Command {
	r := &logReader{kernel: func() (kernelLog, error) { return syslog.OpenKernelLog() }}
	c := &cobra.Command{
		Use:   "logs",
		Short: "Print the log of a box: what it has kept, and what the kernel has",
		Long: `Print the log of a box, the oldest line first: what its data partition has of this start and those before it, and what the
kernel's log has. The events of the director, and why they came to be, are in "evenkeel events".`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := stoppable(cmd.Context())
			defer stop()
			return r.run(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.BoolVarP(&r.follow, "follow", "f", false, "go on with what is said from now on, until Ctrl-C")
	f.DurationVar(&r.since, "since", 0, "only what was said in this time, as in 10m")
	f.StringVar(&r.grep, "grep", "", "only lines with this in them: a regular expression, in which upper and lower case are the same")
	f.StringVar(&r.service, "service", "", "only lines of this program or part of evenkeel: kernel, init, box, vrrp, check-http")
	f.IntVarP(&r.lines, "lines", "n", 200, "the newest lines; 0: all, which is so with --since, too")
	f.StringVar(&r.dir, "logs", logFolder, "where the log is kept")
	return c
}

func (r *logReader) run(ctx context.Context, out, problems io.Writer) (err error) {
	if r.word, err = regexp.Compile("(?i)" + r.grep); err != nil {
		return fmt.Errorf("%q is no regular expression: %w", r.grep, errors.Unwrap(err))
	}
	if r.name, err = regexp.Compile(`(^|[\s.])` + regexp.QuoteMeta(r.service) + ":"); err != nil {
		return err
	}
	if r.since > 0 {
		r.from, r.lines = time.Now().Add(-r.since), 0
	}
	var lines []string
	keep := func(m syslog.Message) {
		if !r.wanted(m) {
			return
		}
		if r.lines > 0 && len(lines) == r.lines {
			lines = lines[1:]
		}
		lines = append(lines, m.String())
	}
	var last []syslog.Message // two of them
	if err := syslog.ReadFile(r.dir, func(m syslog.Message) {
		if last = append(last, m); len(last) > 2 {
			last = last[1:]
		}
		keep(m)
	}); err != nil {
		fmt.Fprintf(problems, "evenkeel: %v\n", err) // the kernel has the newest of it
	}
	kernel, err := r.kernel()
	if err != nil {
		fmt.Fprintf(problems, "evenkeel: %v\n", err)
	} else {
		defer kernel.Close()
		var all []syslog.Message
		if err := kernel.Read(20*time.Millisecond, func(m syslog.Message) { all = append(all, m) }); err != nil {
			return err
		}
		for _, m := range syslog.Since(last, all) {
			keep(m)
		}
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(out, l); err != nil {
			return err
		}
	}
	for r.follow && kernel != nil && ctx.Err() == nil {
		if err := kernel.Read(200*time.Millisecond, func(m syslog.Message) {
			if r.wanted(m) {
				fmt.Fprintln(out, m)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *logReader) wanted(m syslog.Message) bool {
	return !m.Time.Before(r.from) && r.word.MatchString(m.Text) && (r.service == "" || m.Program == r.service || r.name.MatchString(m.Text))
}
