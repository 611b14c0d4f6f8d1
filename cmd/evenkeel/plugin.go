package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/core/trial"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// newPlugin has the commands for authors of plugins. "evenkeel plugin NAME", with which the supervisor starts those that
// are built in, never comes so far: see main.
func newPlugin() *cobra.Command {
	c := &cobra.Command{
		Use:   supervisor.PluginArgument,
		Short: "For authors of plugins: begin one, try it, say what it is, pin it",
		Long: `For authors of plugins. docs/writing-a-check.md takes you from an empty folder to a running check.

A FILE is started as the director would start it: as nobody, if you are root, without capabilities, and with a read-only view of
the file system.`,
	}
	c.AddCommand(newPluginNew(), newPluginTest(), newPluginDescribe(), newPluginPin())
	return c
}

// isPluginCommand says whether a word after "evenkeel plugin" is for newPlugin. Names of plugins are none of these: they
// are a kind, a hyphen and a name, or the name of a balancer or vrrp plugin.
func isPluginCommand(word string) bool {
	return strings.HasPrefix(word, "-") || slices.Contains([]string{"new", "test", "describe", "pin", "help"}, word)
}

// wordsOf is a logger for what a plugin says while it is tried; only what is bad, unless more is wanted.
func wordsOf(verbose bool) hclog.Logger {
	level := hclog.Error
	if verbose {
		level = hclog.Debug
	}
	return hclog.New(&hclog.LoggerOptions{Name: "plugin", Level: level, Output: os.Stderr, DisableTime: true})
}

// open starts a plugin's file for a question.
func open(ctx context.Context, file string, verbose bool) (*trial.Trial, error) {
	t, err := trial.Open(ctx, file, wordsOf(verbose))
	if err == nil {
		return t, nil
	}
	if ctx.Err() != nil {
		return nil, exitError{code: 1, err: errInterrupted}
	}
	var fault *supervisor.Fault
	var cannot *sdk.PreconditionError
	switch {
	case errors.As(err, &fault):
		err = fmt.Errorf("%s: %w\n%s\nWhat else a plugin must do is in docs/plugins.md, \"The wire\"", file, fault, fault.Do)
	case errors.As(err, &cannot):
		err = fmt.Errorf("%s can't work on this machine: %w", file, cannot)
	}
	return nil, exitError{code: 1, err: err}
}

// errInterrupted is what came of a question that somebody ended with Ctrl-C.
var errInterrupted = errors.New("interrupted")

// oneFile is for commands about one plugin.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("which plugin? Write \"%s FILE\", with the path of its executable", cmd.CommandPath())
	}
	return nil
}

// interruptible is a context that ends with Ctrl-C, so that no plugin is left behind.
func interruptible(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(cmd.Context(), os.Interrupt)
}

func newPluginDescribe() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "describe FILE",
		Short: "Say what a plugin is, and what its blocks may hold; FILE may be the name of a built-in: check-http",
		Args:  oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := infoOf(cmd, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return sdk.DescribeInfo(cmd.OutOrStdout(), info)
			}
			printInfo(cmd.OutOrStdout(), info)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON, for programs")
	return c
}

// infoOf is what a file says of itself, or what a built-in plugin is.
func infoOf(cmd *cobra.Command, file string) (sdk.Info, error) {
	if p, ok := builtin(file); ok {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return p.Info(), nil
		}
	}
	ctx, done := interruptible(cmd)
	defer done()
	t, err := open(ctx, file, false)
	if err != nil {
		return sdk.Info{}, err
	}
	return t.Info, t.Close()
}

// printInfo writes a description for a person.
func printInfo(w io.Writer, i sdk.Info) {
	fmt.Fprintf(w, "%s %q, version %s\n", i.Kind, i.Name, i.Version)
	if i.Schema.Doc != "" {
		fmt.Fprintln(w, i.Schema.Doc)
	}
	if i.Schema.Weighs {
		fmt.Fprintln(w, "It may say what part of its weight a real server gets.")
	}
	if i.Schema.Egress {
		fmt.Fprintln(w, "Its probes have a source, an interface and a mark.")
	}
	var rows [][]string
	flat(i.Schema, "", "", func(name string, a sdk.Attribute) {
		must := string(a.Default)
		switch {
		case a.Required:
			must = "required"
		case a.Default == nil:
			must = "none"
		}
		doc := a.Doc
		if len(a.OneOf) > 0 {
			doc += " (one of " + strings.Join(a.OneOf, ", ") + ")"
		}
		rows = append(rows, []string{name, string(a.Type), must, doc})
	})
	fmt.Fprintln(w)
	if len(rows) == 0 {
		fmt.Fprintln(w, "It has no attributes of its own.")
		return
	}
	t := newTable(w, "ATTRIBUTE", "TYPE", "DEFAULT", "MEANING")
	for _, r := range rows {
		t.row(r...)
	}
	t.print()
}

// flat calls f for all attributes, each with the name that manual pages have for it: "smtp { server }".
func flat(s sdk.Schema, before, after string, f func(string, sdk.Attribute)) {
	for _, a := range s.Attributes {
		f(before+a.Name+after, a)
	}
	for _, b := range s.Blocks {
		flat(b.Schema, before+b.Name+" { ", " }"+after, f)
	}
}

func newPluginPin() *cobra.Command {
	return &cobra.Command{
		Use:   "pin FILE",
		Short: "Print the block with which a configuration uses a plugin, with the sha256 of its file",
		Args:  oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, done := interruptible(cmd)
			defer done()
			t, err := open(ctx, args[0], false)
			if err != nil {
				return err
			}
			if err := t.Close(); err != nil {
				return err
			}
			warnIfBuiltin(t.Info)
			quote := func(s string) string { b, _ := json.Marshal(s); return string(b) } // of a string: no error
			fmt.Fprintf(cmd.OutOrStdout(), "plugin %q %q {\n  path   = %s\n  sha256 = %q\n}\n", t.Info.Kind, t.Info.Name, quote(t.Path), t.SHA256)
			return nil
		},
	}
}

// warnIfBuiltin says that a plugin takes the place of a built-in type because of its name.
func warnIfBuiltin(i sdk.Info) {
	if _, ok := builtin(i.String()); ok {
		fmt.Fprintf(os.Stderr, "evenkeel: warning: %s %q is built in, and this plugin takes its place where a configuration has both\n", i.Kind, i.Name)
	}
}
