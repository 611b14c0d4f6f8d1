package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/core/director"
	"github.com/evenkeel/evenkeel/hcl/format"
	"github.com/evenkeel/evenkeel/hcl/load"
	"github.com/evenkeel/evenkeel/plugins/ipvs"
)

func newValidate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check configurations; each file, or folder of .hcl files, is one",
		Long: `Check configurations without running them. Each file, or folder of .hcl files, is a configuration of its own.

Exit status: 0, all are good, and each gets a line "FILE: ok"; 1, one has errors, which are printed on stderr; 2, one
cannot be read.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			worst := 0
			for _, p := range paths {
				_, text, err := core.Check(builtins(), []string{p}, colours())
				fmt.Fprint(os.Stderr, text)
				switch {
				case errors.As(err, new(*core.ConfigError)):
					worst = max(worst, 1)
				case err != nil:
					fmt.Fprintf(os.Stderr, "evenkeel: %v\n", err)
					worst = 2
				default:
					fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", p)
				}
			}
			if worst != 0 {
				return exitError{code: worst}
			}
			return nil
		},
	}
}

// colours says whether stderr is a terminal that a person looks at (https://no-color.org).
func colours() bool {
	fi, err := os.Stderr.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func newFmt() *cobra.Command {
	return &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Format configuration files in place; prints the names of those that changed",
		Long: `Format configuration files in place, as one style for everybody. The names of files that changed are printed. A file
with a syntax error is left as it is, and the exit status is 1; 2 if one cannot be read or written.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			worst := 0
			for _, p := range paths {
				changed, err := formatFile(p)
				var syntax syntaxError
				switch {
				case errors.As(err, &syntax):
					fmt.Fprint(os.Stderr, syntax.text)
					worst = max(worst, 1)
				case err != nil:
					fmt.Fprintln(os.Stderr, "evenkeel:", err)
					worst = 2
				case changed:
					fmt.Fprintln(cmd.OutOrStdout(), p)
				}
			}
			if worst != 0 {
				return exitError{code: worst}
			}
			return nil
		},
	}
}

// A syntaxError is a file that is no HCL; its text is the diagnostics.
type syntaxError struct{ text string }

func (e syntaxError) Error() string { return e.text }

// formatFile formats a file, keeping its mode, by putting a new one in its place: a full disk loses nothing.
func formatFile(path string) (changed bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	out, diags := format.Format(path, src)
	if diags.HasErrors() {
		var text strings.Builder
		_ = load.Explain(load.Source{Name: path, Text: src}, diags).Write(&text, colours()) // a strings.Builder takes everything
		return false, syntaxError{text.String()}
	}
	if bytes.Equal(src, out) {
		return false, nil
	}
	tmp := path + ".evenkeel-fmt"
	if err := os.WriteFile(tmp, out, info.Mode().Perm()); err != nil {
		return false, err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return false, err
	}
	return true, nil
}

func newExport() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Print what a configuration asks for in the form of another tool",
	}
	var full bool
	table := &cobra.Command{
		Use:   "ipvsadm FILE",
		Short: "Print the table that FILE asks for, all real servers being up, as \"ipvsadm -S -n\" would",
		Long: `Print the table that FILE asks for, all real servers being up, in the form of "ipvsadm -S -n", without a kernel. The
form leaves out the connection thresholds; --full has them as options that "ipvsadm -R" reads.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, text, err := core.Check(builtins(), args, colours())
			fmt.Fprint(os.Stderr, text)
			switch {
			case errors.As(err, new(*core.ConfigError)):
				return exitError{code: 1}
			case err != nil:
				return exitError{code: 2, err: err}
			}
			var options []ipvs.SaveOption
			if full {
				options = append(options, ipvs.WithThresholds())
			}
			return ipvs.Save(director.TableOf(cfg), cmd.OutOrStdout(), options...)
		},
	}
	table.Flags().BoolVar(&full, "full", false, "with the connection thresholds, which ipvsadm -S leaves out")
	c.AddCommand(table)
	return c
}
