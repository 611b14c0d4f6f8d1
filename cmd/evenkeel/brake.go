package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func newBrake(socket *string) *cobra.Command {
	c := &cobra.Command{
		Use:   "brake",
		Short: "Say of a mass failure that it is none of the director's own",
	}
	c.AddCommand(&cobra.Command{
		Use:   "release",
		Short: "Let go of the real servers that the brake holds: those that are down are taken out",
		Args:  cobra.NoArgs,
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			r, err := client.ReleaseBrake(cmd.Context(), &controlv1.ReleaseBrakeRequest{})
			if err != nil {
				return fmt.Errorf("asking for the brake's release: %s", status.Convert(err).Message())
			}
			if !r.Held {
				fmt.Fprintln(cmd.OutOrStdout(), "the brake holds nothing")
				return nil
			}
			fmt.Fprintln(cmd.OutOrStdout(), "released")
			return nil
		}),
	})
	return c
}

// printBrake says that the brake holds, which nobody must overlook.
func printBrake(w io.Writer, b *controlv1.Brake, now time.Time) {
	if b == nil {
		return
	}
	fmt.Fprintf(w, "THE BRAKE HOLDS for %s now, and for another %s at most: %s. Now %d are down and stay in, %d are up. \"evenkeel brake release\" takes out what is down.\n",
		ago(b.Since, now), b.Until.AsTime().Sub(now).Round(time.Second), b.Reason, b.Held, b.Up)
}
