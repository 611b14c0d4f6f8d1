package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func newReload(socket *string) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the running evenkeel read its configuration again; one with errors changes nothing",
		Args:  cobra.NoArgs,
		RunE:  asking(socket, reload),
	}
}

// reload has the running evenkeel read its configuration again, and says what came of it.
func reload(cmd *cobra.Command, client *control.Client) error {
	r, err := client.Reload(cmd.Context(), &controlv1.ReloadRequest{})
	if err != nil {
		return fmt.Errorf("asking for a reload: %s", status.Convert(err).Message())
	}
	if r.Diagnostics != "" {
		fmt.Fprintln(os.Stderr, strings.TrimRight(r.Diagnostics, "\n"))
	}
	if !r.Ok {
		return exitError{code: 1, err: errors.New("nothing was changed: what ran before goes on")}
	}
	out := cmd.OutOrStdout()
	for _, c := range r.Changes {
		fmt.Fprintln(out, c)
	}
	if len(r.Changes) == 0 {
		fmt.Fprintln(out, "ok: nothing is different")
		return nil
	}
	fmt.Fprintf(out, "ok: %s to the kernel's table\n", count(int(r.Writes), "write"))
	return nil
}

func newEvents(socket *string) *cobra.Command {
	var req controlv1.EventsRequest
	c := &cobra.Command{
		Use:   "events",
		Short: "Print what happened and why: the last hundred events, or from one on",
		Args:  cobra.NoArgs,
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			stream, err := client.Events(cmd.Context(), &req)
			if err != nil {
				return fmt.Errorf("asking for events: %s", status.Convert(err).Message())
			}
			for {
				e, err := stream.Recv()
				switch {
				case errors.Is(err, io.EOF):
					return nil
				case status.Code(err) == codes.Canceled:
					return nil
				case err != nil:
					return fmt.Errorf("reading events: %s", status.Convert(err).Message())
				}
				printEvent(cmd.OutOrStdout(), e)
			}
		}),
	}
	c.Flags().Uint64Var(&req.From, "from", 0, "the first event's number; 0: the last hundred")
	c.Flags().BoolVarP(&req.Follow, "follow", "f", false, "go on with what happens")
	return c
}

// printEvent writes one line: number, time, what, from -> to, why, and because of which event.
func printEvent(w io.Writer, e *controlv1.EventsResponse) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d  %s  %s %s", e.Id, e.Time.AsTime().Local().Format(time.DateTime+".000"), e.Kind, e.Subject)
	switch {
	case e.From != "" && e.To != "":
		fmt.Fprintf(&b, ": %s -> %s", e.From, e.To)
	case e.To != "":
		fmt.Fprintf(&b, ": %s", e.To)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	if e.Cause != 0 {
		fmt.Fprintf(&b, " because of %d", e.Cause)
	}
	fmt.Fprintln(w, b.String())
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "evenkeel", version) },
	}
}

// count is "1 write", "2 writes".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
