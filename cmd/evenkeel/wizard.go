package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/wizard"
	"github.com/evenkeel/evenkeel/core"
)

func newWizard() *cobra.Command {
	var output, answers string
	var box, plain bool
	c := &cobra.Command{
		Use:   "wizard",
		Short: "Ask a few questions and write a configuration",
		Long: `Ask a few questions, as forms or in lines of text, and write the configuration that they make. Nothing else of the machine
is changed, and nothing is written before all is answered and confirmed; who hangs up has changed nothing.

There are forms where the terminal answers when it is asked for its size, has 80 columns and 24 lines, and is faster than
9600 baud. Everywhere else, and with --lines, the questions are lines of text.

An --output that ends with .hcl is one file; another is a folder, in which box.hcl is this director's alone and shared.hcl is
the same on both directors of a pair.

With --answers a file answers: a line "key: answer" for each answer that is not the default. Nobody is asked then, also
not whether to write. docs/appliance.md has the keys.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := console.NewLines(console.File{In: os.Stdin, Out: os.Stdout})
			cards := console.Cards{All: !box}
			setup := console.Setup{Lines: lines, Forms: newForms(lines, plain), Find: cards, Check: checkFiles, Fetch: fetchShared}
			if output != "" {
				setup.Confirm = "Write it to " + output + "?"
			}
			var script *wizard.Script
			if answers != "" {
				text, err := os.ReadFile(answers)
				if err != nil {
					return fmt.Errorf("reading the answers: %w", err)
				}
				if script, err = wizard.ParseScript(answers, string(text)); err != nil {
					return err
				}
				setup.Ask, setup.Script = script, true
			}
			host, _ := os.Hostname() // a default, no more
			session, files, err := setup.Run(cmd.Context(), wizard.Machine{Hostname: host, Cards: cards.List(), Box: box})
			switch {
			case errors.Is(err, console.ErrDeclined):
				return errors.New("not confirmed: nothing was written")
			case err != nil:
				return err
			case script != nil:
				if unused := script.Unused(session.Answers()); unused != nil {
					return errors.New(strings.Join(unused, "\n"))
				}
			}
			if output == "" {
				if script != nil {
					lines.Printf("%s", files.Joined())
				}
				return nil
			}
			return writeFiles(output, files)
		},
	}
	f := c.Flags()
	f.StringVarP(&output, "output", "o", "", "where the configuration goes: a file, NAME.hcl, or a folder; without it, it is only shown")
	f.StringVar(&answers, "answers", "", "a file of answers")
	f.BoolVar(&plain, "lines", false, "ask in lines of text, whatever the terminal can do")
	f.BoolVar(&box, "box", false, "ask for the network, password and time of a box, too, which evenkeel is the whole system of")
	return c
}

// newForms are the forms at a terminal, unless the person wants lines.
func newForms(l *console.Lines, plain bool) *console.Forms {
	f := &console.Forms{Lines: l, Env: os.Environ()}
	if !plain {
		f.Program = console.FindForms()
	}
	return f
}

// writeFiles writes a configuration where --output says.
func writeFiles(output string, files wizard.Files) error {
	if strings.HasSuffix(output, ".hcl") {
		return console.WriteFile(output, files.Joined())
	}
	if err := writeShared(output, files.Shared); err != nil {
		return err
	}
	return console.WriteFile(filepath.Join(output, wizard.BoxFile), files.Box)
}

// checkFiles is what "evenkeel validate" says of them: warnings are as good as errors, since the wizard has no reason for any.
func checkFiles(files wizard.Files) error {
	dir, err := os.MkdirTemp("", "evenkeel-wizard")
	if err != nil {
		return fmt.Errorf("making a folder to check the configuration in: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "evenkeel.hcl")
	if err := os.WriteFile(path, files.Joined(), 0o600); err != nil {
		return fmt.Errorf("writing the configuration to be checked: %w", err)
	}
	_, text, err := core.Check(builtins(), []string{path}, false)
	if errors.As(err, new(*core.ConfigError)) {
		return errors.New(strings.ReplaceAll(text, path, "evenkeel.hcl"))
	}
	return err
}
