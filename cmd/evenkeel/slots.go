package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/update"
)

// stamp is how a time is written on a box, whose clock is UTC.
const stamp = "2006-01-02 15:04 UTC"

// newSlots says what the two slots of a box hold.
func newSlots() *cobra.Command {
	return &cobra.Command{
		Use: "slots", Short: "Say which systems a box has, which one runs, and which updates did not come up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, running, err := thisBox()
			if err != nil {
				return err
			}
			keys, err := update.Keys(defaultKeys)
			if err != nil {
				return err
			}
			if err := printSlots(cmd.OutOrStdout(), d, running, update.Book{Dir: updateBook}); err != nil {
				return err
			}
			said := fmt.Sprintf("updates are taken that one of %s has signed", count(len(keys), "key"))
			if len(keys) == 0 {
				said = update.ErrNoKey.Error()
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
}

func printSlots(w io.Writer, d update.Disk, running update.Slot, b update.Book) error {
	c, err := d.Counter()
	if err != nil {
		return err
	}
	held, err := b.Slots()
	if err != nil {
		return err
	}
	failed, err := b.Failed()
	if err != nil {
		return err
	}
	t := newTable(w, "SLOT", "VERSION", "STATE", "TRIES", "CHECKED")
	for _, s := range []update.Slot{update.A, update.B} {
		h, state := held[s], ""
		switch {
		case s == running && c.Trial == s:
			h.Version, state = version, "runs on trial: it has to be well for a minute"
		case s == running:
			h.Version, state = version, "runs"
		case c.Trial == s:
			state = "is tried at the next start"
		case h.Damage != "":
			state = "can't take over: " + h.Damage
		case c.Left[s] == 0:
			state = "is not to be started"
		case h.Checked.IsZero():
			state = "not checked yet"
		default:
			state = "can take over"
		}
		if h.Version == "" {
			h.Version = "?"
		}
		checked := ""
		if !h.Checked.IsZero() {
			checked = h.Checked.UTC().Format(stamp)
		}
		t.row(string(s), h.Version, state, fmt.Sprint(c.Left[s]), checked)
	}
	t.print()
	for _, f := range failed {
		fmt.Fprintf(w, "version %s did not come up at %s\n", f.Version, f.Time.UTC().Format(stamp))
	}
	return nil
}

// keepSpare looks after the slot that does not run: when the running one is good, and then once a day.
func (b *box) keepSpare(ctx context.Context, good <-chan struct{}) error {
	select {
	case <-good:
	case <-ctx.Done():
		return nil
	}
	d, running, err := thisBox()
	if err != nil {
		return nil // a Linux without slots
	}
	s := update.Spare{Installer: installer(d, running), Pause: 250 * time.Millisecond}
	return every(ctx, 24*time.Hour, func() {
		did, err := s.Look(ctx)
		var problems []problem.Problem
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			b.log.Error("the slot that does not run can't take over", "error", err)
			problems = []problem.Problem{{
				What: fmt.Sprintf("slot %s can't take over: %v", running.Other(), err),
				Then: "The box runs, but has no other system to start from. Put a version in with \"evenkeel update FILE\"; if that fails too,\nthe disk is broken: save the configuration (\"evenkeel config export\") and replace it.",
			}}
		case did != "":
			b.log.Info(did)
		}
		if err := problem.Tell(problem.DefaultDir, "slots", problems); err != nil {
			b.log.Error(err.Error())
		}
	})
}

// installer puts systems into the slots of this box.
func installer(d update.Box, running update.Slot) update.Installer {
	return update.Installer{Disk: d, Running: running, Book: update.Book{Dir: updateBook}, Version: version, Arch: runtime.GOARCH}
}
