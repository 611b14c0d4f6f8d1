package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A runningPlugin is one as "evenkeel plugins --json" prints it.
type runningPlugin struct {
	Kind       string    `json:"kind"`
	Name       string    `json:"name"`
	Version    string    `json:"version"`
	State      string    `json:"state"`
	PID        int32     `json:"pid"` // 0: there is no process
	Since      time.Time `json:"since"`
	Memory     uint64    `json:"memory_bytes"`
	CPUSeconds float64   `json:"cpu_seconds"`
	Restarts   uint32    `json:"restarts"`
	LastError  string    `json:"last_error"`
}

func newPlugins(socket *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "plugins",
		Short: "List the plugins that run: since when, with memory (PSS), CPU time, restarts and the last error",
		Args:  cobra.NoArgs,
		RunE: asking(socket, func(cmd *cobra.Command, client *control.Client) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			st, err := client.Status(ctx, &controlv1.StatusRequest{Brief: true})
			if err != nil {
				return fmt.Errorf("asking for the status: %s", status.Convert(err).Message())
			}
			all := []runningPlugin{}
			for _, p := range st.Plugins {
				all = append(all, running(p))
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(all)
			}
			printPlugins(cmd.OutOrStdout(), all, time.Now())
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print them as JSON, for programs")
	return c
}

// running takes the kind from the name, "check-http". A balancer or vrrp plugin is the only one of its kind here.
func running(p *controlv1.Plugin) runningPlugin {
	kind, name, _ := strings.Cut(p.Name, "-")
	switch {
	case kind == string(sdk.KindVRRP):
		name = kind
	case !slices.Contains([]sdk.Kind{sdk.KindCheck, sdk.KindNotify, sdk.KindProvision}, sdk.Kind(kind)):
		kind, name = string(sdk.KindBalancer), p.Name
	}
	return runningPlugin{
		Kind: kind, Name: name, Version: p.Version, State: p.State, PID: p.Pid, Since: p.Since.AsTime(), Memory: p.Memory,
		CPUSeconds: p.Cpu.AsDuration().Seconds(), Restarts: p.Restarts, LastError: p.LastError,
	}
}

// printPlugins writes them for a person.
func printPlugins(w io.Writer, all []runningPlugin, now time.Time) {
	t := newTable(w, "KIND", "NAME", "VERSION", "STATE", "PID", "SINCE", "MEMORY", "CPU", "RESTARTS", "LAST ERROR")
	for _, p := range all {
		cpu := time.Duration(p.CPUSeconds * float64(time.Second)).Round(10 * time.Millisecond)
		t.row(p.Kind, p.Name, p.Version, p.State, number(uint64(p.PID)), elapsed(now.Sub(p.Since)), memory(p.Memory), cpu.String(), fmt.Sprint(p.Restarts), p.LastError)
	}
	t.print()
}
