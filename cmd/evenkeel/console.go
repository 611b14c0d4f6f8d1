package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/ssh"
	"github.com/evenkeel/evenkeel/appliance/support"
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
			if d.login {
				greet(d.lines.Terminal, problem.DefaultDir)
				if err := d.enter(cmd.Context()); err != nil {
					return err
				}
			}
			return d.menu().Run(cmd.Context(), d.lines)
		},
	}
	f := c.Flags()
	f.BoolVar(&d.login, "login", false, "ask for the password first")
	f.BoolVar(&d.plain, "lines", false, "ask the wizard's questions in lines of text, whatever the terminal can do")
	f.StringVar(&d.password.Path, "password-file", defaultPassword, "where the hash of the password is")
	f.StringVar(&d.archive, "dir", defaultArchive, "where the configuration is kept")
	f.StringVar(&d.exports, "exports", "/data/support", "folder for support bundles")
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
	change := d.change()
	if err := change.Try(ctx, l, archive.Files{wizard.BoxFile: files.Box, wizard.SharedFile: files.Shared}, "the wizard"); err != nil {
		return err
	}
	_ = problem.Tell(problem.DefaultDir, acquiring, nil) // what the box was given in its place does not matter any more
	a := session.Answers()
	if !a.None("ssh_key") {
		if err := console.WriteFile(filepath.Join(filepath.Dir(d.password.Path), "authorized_keys"), []byte(a["ssh_key"]+"\n")); err != nil {
			return err
		}
	}
	return d.setPassword(a["password"])
}

func (d *desk) change() console.Change {
	return console.Change{Archive: d.store(), Who: cmp.Or(os.Getenv(ssh.Operator), "console"), Edit: edit, Reload: func(ctx context.Context) error {
		return d.command(ctx, d.lines.Terminal, "reload")
	}}
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
	c.SetArgs(append(args, "--socket", *d.socket))
	c.SetOut(out)
	c.SetErr(out)
	err := c.ExecuteContext(ctx)
	if ee := (exitError{}); errors.As(err, &ee) && ee.err == nil {
		return errors.New("it did not work: see above")
	}
	return err
}

// runs is an item that is a command.
func (d *desk) runs(text string, args ...string) console.Item {
	return console.Item{Text: text, Run: func(ctx context.Context, l *console.Lines) error {
		return d.command(ctx, l.Terminal, args...)
	}}
}

// asks is an item that is a command with one more word, which is asked for.
func (d *desk) asks(text, prompt string, args ...string) console.Item {
	return console.Item{Text: text, Run: func(ctx context.Context, l *console.Lines) error {
		word, err := l.Read(prompt + ": ")
		word = strings.TrimSpace(word)
		switch {
		case err != nil || word == "":
			return err
		case strings.HasPrefix(word, "-"):
			return fmt.Errorf("%+q is an option, and has no place here", word)
		}
		return d.command(ctx, l.Terminal, append(args, word)...)
	}}
}

func (d *desk) menu() console.Menu {
	host, _ := os.Hostname() // for the title
	configuration := console.Menu{Title: "Configuration", Out: "back", Items: []console.Item{
		d.runs("Show", "config", "show", "--dir", d.archive),
		{Text: "Edit, try and keep", Run: func(ctx context.Context, l *console.Lines) error { return d.change().EditFile(ctx, l) }},
		d.runs("History", "config", "history", "--dir", d.archive),
		d.asks("Put an older version in use", "Which version", "config", "rollback", "--dir", d.archive),
		{Text: "Answer the wizard again", Run: d.setUp},
	}}
	return console.Menu{Title: "evenkeel " + version + " on " + host, Out: "log out", Items: []console.Item{
		{Text: "Status", Run: func(ctx context.Context, l *console.Lines) error {
			return console.Live(ctx, l, 5*time.Second, func(w io.Writer) error { return d.command(ctx, w, "status") })
		}},
		{Text: "Network", Run: func(_ context.Context, l *console.Lines) error { return console.Network(l.Terminal) }},
		{Text: "Configuration", Run: configuration.Run},
		d.runs("Events", "events"),
		d.runs("Pair: a code for the second director", "pair", filepath.Join(d.archive, "current")),
		{Text: "Support bundle", Run: d.bundle},
		{Text: "Change the password", Run: func(context.Context, *console.Lines) error { return d.newPassword() }},
		{Text: "Shell", Run: shell},
		{Text: "Restart the box", Run: d.system("Restart it now?", "reboot")},
		{Text: "Switch the box off", Run: d.system("Switch it off now?", "poweroff")},
	}}
}

// shell is a shell, where there is one.
func shell(ctx context.Context, l *console.Lines) error {
	l.Printf("\"exit\" comes back to the menu.\n")
	c := exec.CommandContext(ctx, "/bin/sh")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	if errors.As(err, new(*exec.ExitError)) {
		return nil // of the last command in it
	}
	return err
}

// system asks, and then tells PID 1 by its command.
func (d *desk) system(question, name string) func(context.Context, *console.Lines) error {
	return func(ctx context.Context, l *console.Lines) error {
		if ok, err := l.Confirm(question); err != nil || !ok {
			return err
		}
		return exec.CommandContext(ctx, name).Run()
	}
}

func (d *desk) bundle(ctx context.Context, l *console.Lines) error {
	if err := os.MkdirAll(d.exports, 0o700); err != nil {
		return fmt.Errorf("making the folder of the support bundle: %w", err)
	}
	path := filepath.Join(d.exports, "support-"+time.Now().UTC().Format("20060102T150405Z")+".tar.gz")
	if err := writeBundle(ctx, path, *d.socket, filepath.Join(d.archive, "current")); err != nil {
		return err
	}
	l.Printf("%s is written, without the passwords.\n", path)
	return nil
}

func newSupport(socket *string) *cobra.Command {
	var paths []string
	c := &cobra.Command{
		Use:   "support FILE.tar.gz",
		Short: "Pack what a helper needs: configuration without passwords, status, events, the kernel's log",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeBundle(cmd.Context(), args[0], *socket, paths...)
		},
	}
	c.Flags().StringArrayVar(&paths, "config", []string{"/etc/evenkeel/evenkeel.hcl"}, "a .hcl file, or a folder of them; may be given more than once")
	return c
}

// writeBundle packs a support bundle. A configuration that can't be read and an evenkeel that does not run are no
// reason to have none.
func writeBundle(ctx context.Context, path, socket string, config ...string) error {
	b := support.Bundle{Version: version}
	b.Configuration, _ = readPaths(config)
	if client, err := control.Dial(socket); err == nil {
		defer client.Close()
		b.Control = client
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the support bundle: %w", err)
	}
	return errors.Join(b.Write(ctx, f), f.Sync(), f.Close())
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
