package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/ssh"
	"github.com/evenkeel/evenkeel/appliance/wizard"
	"github.com/evenkeel/evenkeel/core/control"
)

// defaultPassword is the file with the hash of a box's console password.
const defaultPassword = "/data/console/password"

func newConsole(socket *string) *cobra.Command {
	d := &desk{socket: socket}
	c := &cobra.Command{
		Use:   "console",
		Short: "The menu of a box, at this terminal",
		Long: `The menu of a box: status, network, configuration, events and what else there is to do, in lines of text that work on any
terminal. Everything in it is a command, too.

With --login it asks for the password first, and for a new box's configuration, with the wizard, before anything else.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.lines = console.NewLines(console.File{In: os.Stdin, Out: os.Stdout})
			defer deafToInterrupts()()
			if d.login {
				greet(d.lines.Terminal, problem.DefaultDir)
				if err := d.enter(cmd.Context()); err != nil {
					return err
				}
			}
			d.lines.Idle = d.idle
			err := d.menu().Run(cmd.Context(), d.lines)
			if errors.Is(err, console.ErrIdle) {
				d.lines.Printf("\nNothing was written for %s: logged out.\n", d.idle)
				return nil
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&d.login, "login", false, "ask for the password first")
	f.BoolVar(&d.plain, "lines", false, "ask the wizard's questions in lines of text, whatever the terminal can do")
	f.StringVar(&d.password.Path, "password-file", defaultPassword, "where the hash of the password is")
	f.StringVar(&d.archive, "dir", defaultArchive, "where the configuration is kept")
	f.StringVar(&d.exports, "exports", "/data/support", "folder for support bundles and captured packets")
	f.DurationVar(&d.idle, "idle", 15*time.Minute, "log out when nothing was written for so long; 0: never")
	return c
}

// A desk is one person at a box's console.
type desk struct {
	socket   *string
	lines    *console.Lines
	login    bool
	plain    bool // no forms
	password console.Password
	archive  string
	exports  string
	idle     time.Duration
}

func (d *desk) store() *archive.Archive {
	return &archive.Archive{Dir: d.archive, Check: checkFolder}
}

// enter is what comes before the menu: the wizard on a new box, the password on any other.
func (d *desk) enter(ctx context.Context) error {
	host, _ := os.Hostname() // for the prompt
	err := console.Login{Lines: d.lines, Password: d.password, Name: host}.Run(ctx)
	if errors.Is(err, console.ErrNoPassword) {
		if _, used := d.store().InUse(); errors.Is(used, archive.ErrNone) {
			return d.setUp(ctx, d.lines)
		}
		d.lines.Printf("\nThis box has no password for its console yet.\n")
		return d.newPassword()
	}
	if err == nil { // more may be known than when the box greeted
		sayWrong(d.lines.Terminal, problem.DefaultDir, console.Cards{})
	}
	return err
}

// newPassword asks for a password, twice, and sets it.
func (d *desk) newPassword() error {
	for {
		first, err := d.lines.ReadSecret("New password: ")
		if err != nil {
			return err
		}
		if err := wizard.Password(first); err != nil {
			d.lines.Printf("! %s.\n", err)
			continue
		}
		again, err := d.lines.ReadSecret("The password again: ")
		switch {
		case err != nil:
			return err
		case first != again:
			d.lines.Printf("! These are two different passwords.\n")
			continue
		}
		return d.setPassword(first)
	}
}

func (d *desk) setPassword(password string) error {
	if err := os.MkdirAll(filepath.Dir(d.password.Path), 0o700); err != nil {
		return fmt.Errorf("making the folder of the password: %w", err)
	}
	return d.password.Set(password)
}

// setUp is the wizard for a box.
func (d *desk) setUp(ctx context.Context, l *console.Lines) error {
	cards := console.Cards{Up: console.SetUp}
	setup := console.Setup{Lines: l, Forms: newForms(l, d.plain), Find: cards, Check: checkFiles, Fetch: d.fetchNew, Confirm: "Shall the box be set up like this?"}
	session, files, err := setup.Run(ctx, wizard.Machine{Cards: cards.List(), Box: true})
	if err != nil {
		return err
	}
	kept, err := d.change().Try(ctx, l, archive.Files{wizard.BoxFile: files.Box, wizard.SharedFile: files.Shared}, "the wizard")
	if err != nil || !kept {
		return err
	}
	_ = problem.Tell(problem.DefaultDir, acquiring, nil) // what the box was given in its place does not matter any more
	a := session.Answers()
	err = d.setPassword(a["password"])
	if !a.None("ssh_key") {
		err = errors.Join(err, d.keys().write([]string{a["ssh_key"]}))
	}
	return err
}

// keys are those of who may log in by SSH, in the folder of the password.
func (d *desk) keys() keyFile {
	return keyFile(filepath.Join(filepath.Dir(d.password.Path), "authorized_keys"))
}

func (d *desk) change() console.Change {
	return console.Change{Archive: d.store(), Who: cmp.Or(os.Getenv(ssh.Operator), "console"), Edit: edit, Reload: func(ctx context.Context) error {
		return d.command(ctx, d.lines.Terminal, "reload")
	}}
}

// deafToInterrupts has Ctrl-C throw away the line that is being written, and not the login. What is started by the menu hears it.
func deafToInterrupts() (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	return func() { signal.Stop(c) }
}

// edit is the editor that the environment names, or ours.
func edit(l *console.Lines, name, text string) (string, bool, error) {
	editor, err := exec.LookPath(os.Getenv("EDITOR"))
	if err != nil {
		return console.Edit(l, name, text)
	}
	dir, err := os.MkdirTemp("", "evenkeel-edit")
	if err != nil {
		return "", false, fmt.Errorf("making a folder for the editor: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", false, fmt.Errorf("giving the file to the editor: %w", err)
	}
	c := exec.Command(editor, path)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return "", false, fmt.Errorf("editing with %s: %w", editor, err)
	}
	changed, err := os.ReadFile(path)
	return string(changed), err == nil, err
}

// command runs a command of evenkeel, as if it had been written at a shell. That nobody runs is no error of a reload: the
// next one reads what there is.
func (d *desk) command(ctx context.Context, out io.Writer, args ...string) error {
	if args[0] == "reload" {
		client, err := control.Dial(*d.socket)
		if err != nil {
			return nil
		}
		client.Close()
	}
	c := newRoot()
	c.SetArgs(append(d.words(args), "--socket", *d.socket))
	c.SetOut(out)
	c.SetErr(out)
	err := c.ExecuteContext(ctx)
	if ee := (exitError{}); errors.As(err, &ee) && ee.err == nil {
		return errors.New("it did not work: see above")
	}
	return err
}

func newPassword() *cobra.Command {
	d := &desk{}
	c := &cobra.Command{
		Use:   "password",
		Short: "Set the password of a box's console",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			d.lines = console.NewLines(console.File{In: os.Stdin, Out: os.Stdout})
			return d.newPassword()
		},
	}
	c.Flags().StringVar(&d.password.Path, "password-file", defaultPassword, "where its hash is")
	return c
}
