package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// puttingInUse makes the work of a command that puts files in use, which find returns with why, at once or until they are
// confirmed.
func puttingInUse(c *cobra.Command, a *archive.Archive, socket *string, who string, find func(args []string) (archive.Files, string, error)) *cobra.Command {
	var confirm time.Duration
	c.Flags().DurationVar(&confirm, "confirm", 0, "how long to wait for \"evenkeel config confirm\", as in 5m; without it, what was in use before comes back")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		files, why, err := find(args)
		if err != nil {
			return err
		}
		return putInUse(cmd, a, *socket, files, archive.Note{Who: who, Why: why}, confirm)
	}
	return c
}

// putInUse puts files in use, for a time if confirm is not 0. Who goes back then is the guard of the archive, which a box
// has in "evenkeel box"; where there is none this command waits, and does it.
func putInUse(cmd *cobra.Command, a *archive.Archive, socket string, files archive.Files, n archive.Note, confirm time.Duration) error {
	out := cmd.OutOrStdout()
	switch {
	case confirm < 0:
		return fmt.Errorf("--confirm %s: write how long to wait, as in 5m", confirm)
	case confirm == 0:
		v, err := a.Save(files, n)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "version %d is in use\n", v.ID)
		return loaded(cmd, socket)
	}
	v, err := a.Try(files, n, confirm)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "version %d is in use\n", v.ID)
	guarded := a.Guarded()
	if err := loaded(cmd, socket); err != nil {
		_, _, undo := a.Undo(n.Who)
		return errors.Join(err, undo)
	}
	if err := trialSaid(out, a); err != nil || guarded {
		return err
	}
	fmt.Fprintln(out, "No \"evenkeel box\" runs here that would go back: this command waits, and does it.")
	return awaitConfirmation(cmd, a, socket)
}

// trialSaid says until when something has to be confirmed.
func trialSaid(w io.Writer, a *archive.Archive) error {
	t, err := a.Trial()
	if err != nil || t == nil {
		return err
	}
	left := max(0, time.Until(t.Until)).Round(time.Second)
	_, err = fmt.Fprintf(w, "Version %d comes back in %s. To keep what is in use now: evenkeel config confirm\n", t.Former, left)
	return err
}

// awaitConfirmation is the guard until a trial is over.
func awaitConfirmation(cmd *cobra.Command, a *archive.Archive, socket string) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if t, err := a.Trial(); err != nil || t == nil {
				cancel()
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	back := ""
	err := a.Guard(ctx, func(_ context.Context, v archive.Version) error { back = v.Why; return loaded(cmd, socket) }, func(error) {})
	if err == nil && back == "" {
		back = "confirmed"
	}
	return said(cmd.OutOrStdout(), err, back)
}

// newConfigGuard is who goes back where no "evenkeel box" runs.
func newConfigGuard(a *archive.Archive, socket *string) *cobra.Command {
	return &cobra.Command{
		Use: "guard", Short: "Go back from each change that is not confirmed in time; a box does this by itself", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := stoppable(cmd.Context())
			defer stop()
			return guard(ctx, a, *socket, func(s string) { fmt.Fprintln(cmd.OutOrStdout(), s) }, func(err error) { fmt.Fprintf(os.Stderr, "evenkeel: %v\n", err) })
		},
	}
}

// guard guards an archive, and has the running evenkeel read what is in use again.
func guard(ctx context.Context, a *archive.Archive, socket string, say func(string), failed func(error)) error {
	return a.Guard(ctx, func(ctx context.Context, v archive.Version) error {
		say(v.Why)
		client, err := control.Dial(socket)
		if err != nil {
			return nil // the next evenkeel reads it
		}
		defer client.Close()
		return reloaded(ctx, client)
	}, failed)
}

// reloaded has the running evenkeel read its configuration again. An error is also that it refuses it.
func reloaded(ctx context.Context, client *control.Client) error {
	r, err := client.Reload(ctx, &controlv1.ReloadRequest{})
	switch {
	case err != nil:
		return fmt.Errorf("asking for a reload: %s", status.Convert(err).Message())
	case !r.Ok:
		return fmt.Errorf("evenkeel refuses the configuration:\n%s", r.Diagnostics)
	}
	return nil
}
