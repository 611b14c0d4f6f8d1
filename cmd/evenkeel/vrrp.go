package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func newVRRP(socket *string) *cobra.Command {
	c := &cobra.Command{
		Use:   "vrrp",
		Short: "Look at the virtual routers, and say which role they may have",
	}
	c.AddCommand(
		newVRRPStatus(socket),
		newVRRPCommand(socket, "release", "Give the role of the master away until it is reclaimed, also over restarts"),
		newVRRPCommand(socket, "reclaim", "Let an instance that was released be master again"),
		newVRRPCommand(socket, "garp", "Announce the addresses of an instance that is master here once more"),
	)
	return c
}

func newVRRPStatus(socket *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how the virtual routers are: state, priority, master, addresses, adverts, and what is wrong",
		Args:  cobra.NoArgs,
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			st, err := client.Status(ctx, &controlv1.StatusRequest{Brief: true})
			if err != nil {
				return fmt.Errorf("asking for the status: %s", status.Convert(err).Message())
			}
			if asJSON {
				v := st.Vrrp
				if v == nil {
					v = &controlv1.VRRP{}
				}
				b, err := protojson.MarshalOptions{Multiline: true, EmitUnpopulated: true, UseProtoNames: true}.Marshal(v)
				if err != nil {
					return fmt.Errorf("writing the status as JSON: %w", err)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), string(b))
				return err
			}
			if st.Vrrp == nil {
				return errors.New("no vrrp_instance is configured")
			}
			printVRRP(cmd.OutOrStdout(), st.Vrrp, time.Now())
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON, for programs")
	return c
}

func newVRRPCommand(socket *string, action, short string) *cobra.Command {
	return &cobra.Command{
		Use:   action + " INSTANCE",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			name := cmd.Flags().Arg(0)
			r, err := client.CommandVRRP(cmd.Context(), &controlv1.CommandVRRPRequest{Instance: name, Action: action})
			if err != nil {
				return errors.New(status.Convert(err).Message())
			}
			words := map[string]string{
				"release": "is released: it is not master here until \"evenkeel vrrp reclaim " + name + "\"",
				"reclaim": "may be master here again",
				"garp":    "has announced its addresses",
			}[action]
			if r.Unchanged {
				words += ", and that was so already"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "ok: %s %s\n", name, words)
			return err
		}),
	}
}

func newStop(socket *string) *cobra.Command {
	var req controlv1.StopRequest
	c := &cobra.Command{
		Use:   "stop",
		Short: "Stop the running evenkeel; with --keep, its addresses stay for the one that is started next",
		Args:  cobra.NoArgs,
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			if _, err := client.Stop(cmd.Context(), &req); err != nil {
				return fmt.Errorf("asking it to stop: %s", status.Convert(err).Message())
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&req.Keep, "keep", false, "leave the vrrp plugin running: it holds its addresses for a minute without a core, and the next evenkeel takes it over")
	return c
}

// printInstances writes a line for each virtual router.
func printInstances(w io.Writer, v *controlv1.VRRP, now time.Time) {
	t := newTable(w, "VRRP INSTANCE", "STATE", "SINCE", "PRIORITY", "MASTER", "INTERFACE", "VRID", "GROUP", "REASON")
	for _, i := range v.Instances {
		t.row(i.Name, instanceState(i), ago(i.Since, now), priority(i), master(i), i.Interface, fmt.Sprint(i.VirtualRouterId), i.Group, why(i))
	}
	t.print()
	for _, i := range v.Instances {
		for _, n := range i.Notices {
			fmt.Fprintf(w, "PROBLEM of %s for %s: %s: %s\n", i.Name, ago(n.Since, now), n.Kind, n.Text)
		}
	}
}

// printVRRP writes all that is known of the virtual routers: a table to look over, and then each of them.
func printVRRP(w io.Writer, v *controlv1.VRRP, now time.Time) {
	if v.Problem != "" {
		fmt.Fprintf(w, "PROBLEM: %s\n\n", v.Problem)
	}
	printInstances(w, v, now)
	for _, g := range v.Groups {
		state := g.State
		if state == "" {
			state = "its members differ"
		}
		fmt.Fprintf(w, "\ngroup %s: %s (%s)\n", g.Name, state, strings.Join(g.Members, " "))
	}
	for _, i := range v.Instances {
		fmt.Fprintf(w, "\n%s: %s  (%s)\n", i.Name, strings.Join(i.Addresses, " "), i.Position)
		held := strings.Join(i.Held, " ")
		if held == "" {
			held = "nothing"
		}
		fmt.Fprintf(w, "  holds %s\n", held)
		fmt.Fprintf(w, "  adverts: %d sent, %d received, %s\n", i.AdvertsSent, i.AdvertsReceived, discarded(i))
		for _, d := range i.Discarded {
			fmt.Fprintf(w, "    %s: %d, the last: %s\n", d.Reason, d.Count, d.Last)
		}
		if i.SendErrors > 0 {
			fmt.Fprintf(w, "  %s could not be sent, the last: %s\n", count(int(i.SendErrors), "advert"), i.LastSendError)
		}
		fmt.Fprintf(w, "  master %d times, largest gap between adverts %s, %s\n", i.BecameMaster, span(i.LargestAdvertGap), count(int(i.Announced), "announcement"))
	}
	if v.Privileges != "" {
		fmt.Fprintf(w, "\n%s\n", v.Privileges)
	}
	if v.Problem == "" {
		fmt.Fprintf(w, "timers late by more than %s: %d, the latest by %s; adverts of unknown routers: %d\n", span(v.LateAfter), v.LateTimers, span(v.MaxLate), v.Unknown)
	}
}

// span is a time that was measured, as exactly as anybody reads it, in ASCII: a console need not know the sign of micro.
func span(d *durationpb.Duration) string {
	unit := time.Millisecond
	if d.AsDuration() < 10*unit {
		unit = 10 * time.Microsecond
	}
	return strings.Replace(d.AsDuration().Round(unit).String(), "µ", "u", 1)
}

func instanceState(i *controlv1.VRRPInstance) string {
	switch i.State {
	case "fault":
		return "FAULT"
	case "":
		return "?"
	}
	return i.State
}

// priority is that with tracking, and the configured one where it is another.
func priority(i *controlv1.VRRPInstance) string {
	switch {
	case i.Priority == 0:
		return fmt.Sprintf("(%d)", i.ConfiguredPriority)
	case i.Priority != i.ConfiguredPriority:
		return fmt.Sprintf("%d (%d)", i.Priority, i.ConfiguredPriority)
	}
	return fmt.Sprint(i.Priority)
}

func master(i *controlv1.VRRPInstance) string {
	if i.MasterAddress == "" {
		return ""
	}
	return fmt.Sprintf("%s, %d", i.MasterAddress, i.MasterPriority)
}

// why is what an operator should know first.
func why(i *controlv1.VRRPInstance) string {
	switch {
	case i.Released:
		return "RELEASED by an operator"
	case i.Fault != "":
		return i.Fault
	}
	return i.Reason
}

func discarded(i *controlv1.VRRPInstance) string {
	n := uint64(0)
	for _, d := range i.Discarded {
		n += d.Count
	}
	return fmt.Sprintf("%d discarded", n)
}
