package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
)

// newConfigEdit is the item of the menu, as a command.
func newConfigEdit(a *archive.Archive, socket *string, who string) *cobra.Command {
	var confirm time.Duration
	c := &cobra.Command{
		Use: "edit", Short: "Edit a file of the configuration, put it in use, and keep it when it is confirmed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &desk{socket: socket, archive: a.Dir, lines: console.NewLines(console.File{In: os.Stdin, Out: os.Stdout})}
			change := d.change()
			change.Who, change.Within = who, confirm
			return change.EditFile(cmd.Context(), d.lines)
		},
	}
	c.Flags().DurationVar(&confirm, "confirm", 2*time.Minute, "how long to wait for a yes; without it, what was in use before comes back")
	return c
}

func newConfigDiff(a *archive.Archive) *cobra.Command {
	return &cobra.Command{
		Use: "diff [FROM [TO]]", Short: "Show what is different between two versions; TO is the one in use, FROM the one before TO", Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, to, err := twoVersions(a, args)
			if err != nil {
				return err
			}
			return printDiff(cmd.OutOrStdout(), a, from, to)
		},
	}
}

// twoVersions are those that are to be compared.
func twoVersions(a *archive.Archive, args []string) (from, to int, err error) {
	if len(args) == 2 {
		if to, err = versionNumber(args[1]); err != nil {
			return 0, 0, err
		}
	} else {
		v, err := a.InUse()
		if err != nil {
			return 0, 0, err
		}
		to = v.ID
	}
	if len(args) > 0 {
		from, err = versionNumber(args[0])
		return from, to, err
	}
	vs, err := a.List()
	if err != nil {
		return 0, 0, err
	}
	for _, v := range vs { // the newest first
		if v.ID < to {
			return v.ID, to, nil
		}
	}
	return 0, 0, fmt.Errorf("version %d is the oldest: there is none to compare it with", to)
}

// printDiff writes what is different, as patch(1) reads it.
func printDiff(w io.Writer, a *archive.Archive, from, to int) error {
	before, err := a.Files(from)
	if err != nil {
		return err
	}
	after, err := a.Files(to)
	if err != nil {
		return err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	same := true
	for _, name := range slices.Sorted(maps.Keys(names)) {
		text := diff.Diff(fmt.Sprintf("version %d %s", from, name), before[name], fmt.Sprintf("version %d %s", to, name), after[name])
		same = same && text == nil
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	if same {
		_, err = fmt.Fprintf(w, "versions %d and %d are the same\n", from, to)
	}
	return err
}
