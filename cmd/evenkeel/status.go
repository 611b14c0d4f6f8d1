package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func newStatus(socket *string) *cobra.Command {
	var asJSON, brief bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how everything is: virtual routers, virtual servers, real servers and why, plugins, the kernel's table",
		Args:  cobra.NoArgs,
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), statusPatience)
			defer cancel()
			st, err := client.Status(ctx, &controlv1.StatusRequest{Brief: brief})
			if err != nil {
				return fmt.Errorf("asking for the status: %w", err)
			}
			if asJSON {
				b, err := protojson.MarshalOptions{Multiline: true, EmitUnpopulated: true, UseProtoNames: true}.Marshal(st)
				if err != nil {
					return fmt.Errorf("writing the status as JSON: %w", err)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), string(b))
				return err
			}
			printStatus(cmd.OutOrStdout(), st, brief, time.Now())
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON, for programs")
	c.Flags().BoolVar(&brief, "brief", false, "a line for each virtual server; the kernel's counters are not read")
	return c
}

// statusPatience is how long an answer may take: ten thousand real servers are megabytes, and a busy machine needs seconds.
const statusPatience = 30 * time.Second

// printStatus writes a status for a person: what is wrong first, then the virtual servers, then the plugins.
func printStatus(w io.Writer, st *controlv1.StatusResponse, brief bool, now time.Time) {
	mode := ""
	if st.DryRun {
		mode = ", dry run: the kernel is only read"
	}
	fmt.Fprintf(w, "director %s, evenkeel %s, pid %d, up %s%s\n", st.Director, st.Version, st.Pid, ago(st.Started, now), mode)
	cf := st.Configuration
	fmt.Fprintf(w, "configuration %s, loaded %s ago\n", strings.Join(cf.GetPaths(), " "), ago(cf.GetLoaded(), now))
	for _, s := range cf.GetWarnings() {
		fmt.Fprintf(w, "warning: %s\n", s)
	}
	if p := cf.GetProblem(); p != "" {
		fmt.Fprintf(w, "\nPROBLEM with the configuration:\n%s\n", indent(p))
	}
	if b := st.Balancer; b != nil {
		if b.Problem != "" {
			fmt.Fprintf(w, "\nPROBLEM with the kernel's table: %s\n", b.Problem)
		}
		for _, f := range b.Failures {
			fmt.Fprintf(w, "PROBLEM: the kernel refuses: %s\n", f)
		}
	}
	printBrake(w, st.Brake, now)
	if v := st.Vrrp; v != nil {
		fmt.Fprintln(w)
		printInstances(w, v, now)
		if v.Problem != "" {
			fmt.Fprintf(w, "PROBLEM with VRRP: %s\n", v.Problem)
		}
	}
	if brief {
		printBrief(w, st.VirtualServers)
	} else {
		printVirtualServers(w, st.VirtualServers, now)
	}
	if len(st.Checks) > 0 {
		fmt.Fprintln(w)
		t := newTable(w, "CHECK", "STATE", "SINCE", "REASON")
		for _, c := range st.Checks {
			t.row(c.Id, state(c.State), ago(c.Since, now), c.Reason)
		}
		t.print()
	}
	if b := st.Balancer; b != nil {
		printBalancer(w, b, st.DryRun, brief, now)
	}
	fmt.Fprintln(w)
	t := newTable(w, "PLUGIN", "STATE", "PID", "SINCE", "RESTARTS", "MEMORY", "CPU", "LAST ERROR")
	for _, p := range st.Plugins {
		t.row(p.Name, p.State, number(uint64(p.Pid)), ago(p.Since, now), fmt.Sprint(p.Restarts), memory(p.Memory), p.Cpu.AsDuration().Round(10*time.Millisecond).String(), p.LastError)
	}
	t.print()
}

// printBrief writes a line for each virtual server.
func printBrief(w io.Writer, vss []*controlv1.VirtualServer) {
	if len(vss) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable(w, "VIRTUAL SERVER", "SERVICE", "UP", "WEIGHT", "QUORUM", "SORRY SERVER", "REMARK")
	for _, vs := range vss {
		quorum := fmt.Sprint(vs.Quorum)
		if !vs.HasQuorum {
			quorum += " LOST"
		}
		remark := ""
		if vs.Suspended != "" {
			remark = "checks suspended: " + vs.Suspended
		}
		t.row(vs.Name, vs.Service, fmt.Sprintf("%d of %d", vs.ServersUp, vs.Servers), fmt.Sprint(vs.Weight), quorum, vs.Sorry, remark)
	}
	t.print()
}

func printVirtualServers(w io.Writer, vss []*controlv1.VirtualServer, now time.Time) {
	for _, vs := range vss {
		quorum := fmt.Sprintf("quorum %d of %d", vs.Weight, vs.Quorum)
		if !vs.HasQuorum {
			quorum = fmt.Sprintf("QUORUM LOST (%d of %d)", vs.Weight, vs.Quorum)
		}
		fmt.Fprintf(w, "\n%s  %s %s, %s", vs.Name, vs.Service, vs.Scheduler, quorum)
		if vs.Sorry != "" {
			fmt.Fprintf(w, ", sorry server %s", vs.Sorry)
		}
		if vs.Suspended != "" {
			fmt.Fprintf(w, ", checks suspended: %s", vs.Suspended)
		}
		fmt.Fprintf(w, "  (%s)\n", vs.Position)
		t := newTable(w, "  REAL SERVER", "FORWARD", "WEIGHT", "STATE", "SINCE", "ACTIVE", "INACTIVE", "CONN/S", "REASON")
		for _, rs := range vs.RealServers {
			weight := fmt.Sprint(rs.Weight)
			if !rs.InTable {
				weight = "-"
			}
			if rs.Weight != rs.ConfiguredWeight || !rs.InTable {
				weight += fmt.Sprintf(" (%d)", rs.ConfiguredWeight)
			}
			t.row("  -> "+rs.Address, rs.Forward, weight, state(rs.State), ago(rs.Since, now), fmt.Sprint(rs.Active), fmt.Sprint(rs.Inactive),
				fmt.Sprint(rs.Traffic.GetConnectionsPerSecond()), reason(rs))
		}
		t.print()
	}
}

func printBalancer(w io.Writer, b *controlv1.Balancer, dryRun, brief bool, now time.Time) {
	switch {
	case brief && dryRun:
		fmt.Fprintf(w, "\n%d writes to the kernel's table since the start, were this no dry run\n", b.Writes)
	case brief:
		fmt.Fprintf(w, "\n%d writes to the kernel's table since the start\n", b.Writes)
	case b.Version != "":
		fmt.Fprintf(w, "\nIPVS %s, connection table of %d, %d writes since the start\n", b.Version, b.ConnectionTableSize, b.Writes)
	case dryRun:
		fmt.Fprintf(w, "\nno IPVS in this kernel, %d writes since the start, had it one\n", b.Writes)
	default:
		fmt.Fprintf(w, "\nIPVS has not been read, %d writes since the start\n", b.Writes)
	}
	if old := now.Sub(b.Read.AsTime()); b.Read != nil && old >= staleCounters {
		fmt.Fprintf(w, "the kernel is slow to tell: its counters are of %s ago\n", elapsed(old))
	}
	if len(b.LastDrift) > 0 {
		fmt.Fprintf(w, "drift found and repaired %s ago:\n%s\n", ago(b.LastDriftAt, now), indent(strings.Join(b.LastDrift, "\n")))
	}
	if dryRun && b.Read != nil {
		if len(b.Differences) == 0 {
			fmt.Fprintln(w, "the kernel holds what evenkeel would program")
		} else {
			fmt.Fprintf(w, "what evenkeel would change in the kernel:\n%s\n", indent(strings.Join(b.Differences, "\n")))
		}
	}
}

// staleCounters is the age from which on it is said how old counters are.
const staleCounters = 5 * time.Second

// A table is rows of cells in columns as wide as they need to be.
type table struct {
	out   io.Writer
	lines strings.Builder
	tabs  *tabwriter.Writer
}

func newTable(out io.Writer, head ...string) *table {
	t := &table{out: out}
	t.tabs = tabwriter.NewWriter(&t.lines, 0, 8, 2, ' ', 0)
	t.row(head...)
	return t
}

// row adds a row. A cell with nothing in it is a dash, but for the last, which is where words are.
func (t *table) row(cells ...string) {
	for i, c := range cells[:len(cells)-1] {
		if c == "" {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(t.tabs, strings.Join(cells, "\t"))
}

// print writes the table, without blanks at the ends of its lines.
func (t *table) print() {
	t.tabs.Flush()
	for line := range strings.Lines(t.lines.String()) {
		fmt.Fprintln(t.out, strings.TrimRight(line, " \n"))
	}
}

// state makes what needs attention stand out on a terminal without colours.
func state(s string) string {
	if s == "down" {
		return "DOWN"
	}
	return s
}

// reason is why a real server is as it is, where that is of interest.
func reason(rs *controlv1.RealServer) string {
	if rs.State == "up" {
		return rs.WeightReason
	}
	return rs.Reason
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}

func number(n uint64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func memory(b uint64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f MiB", float64(b)/(1<<20))
}

// ago is the time since t in the two largest units: "3d4h", "2m10s".
func ago(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil || t.AsTime().Unix() <= 0 {
		return "-"
	}
	return elapsed(now.Sub(t.AsTime()))
}

// elapsed is a time in its two largest units.
func elapsed(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
