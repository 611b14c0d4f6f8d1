package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/ntp"
	"github.com/evenkeel/evenkeel/core"
)

func newTime() *cobra.Command {
	var state, dir string
	c := &cobra.Command{
		Use: "time", Short: "Say what time it is, how well the clock of a box is kept, and what its time servers say now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var servers []string
			if cfg, _, err := core.Check(builtins(), []string{dir}, false); err == nil && cfg.Appliance != nil {
				servers = cfg.Appliance.NTPServers
			}
			return showTime(cmd.Context(), cmd.OutOrStdout(), state, servers, ntp.Query)
		},
	}
	c.Flags().StringVar(&state, "state", defaultBoxState, "the file in which \"evenkeel box\" says how the box is")
	c.Flags().StringVar(&dir, "config", defaultArchive+"/current", "the configuration whose time servers are asked, too")
	return c
}

func showTime(ctx context.Context, w io.Writer, state string, servers []string, query func(context.Context, string) (time.Duration, error)) error {
	now := time.Now()
	fmt.Fprintf(w, "%s\n", now.UTC().Format("2006-01-02 15:04:05Z"))
	s, err := readState(state, now)
	switch {
	case errors.Is(err, errNoKeeper):
		fmt.Fprintf(w, "%v that would keep the clock\n", err)
	case err != nil:
		return err
	case !s.Clock.Synchronized:
		fmt.Fprintf(w, "PROBLEM: no time server has set the clock yet\n")
	default:
		fmt.Fprintf(w, "the clock is kept by time servers: it was %s %s ago\n", off(s.Clock.Offset), elapsed(now.Sub(s.Clock.At)))
	}
	if s.Clock.Problem != "" {
		fmt.Fprintf(w, "PROBLEM: %s\n", s.Clock.Problem)
	}
	if servers == nil {
		for _, l := range s.Network.Leases {
			for _, a := range l.NTPServers {
				servers = append(servers, a.String())
			}
		}
	}
	for _, server := range servers {
		if d, err := query(ctx, server); err != nil {
			fmt.Fprintf(w, "PROBLEM: %v\n", err)
		} else {
			fmt.Fprintf(w, "%s says that the clock is %s\n", server, off(d))
		}
	}
	return nil
}

// off says how far a clock is from the time; positive: it is behind.
func off(d time.Duration) string {
	if d < 0 {
		return milliseconds(-d) + " ahead"
	}
	return milliseconds(d) + " behind"
}
