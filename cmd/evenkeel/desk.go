package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/capture"
	"github.com/evenkeel/evenkeel/appliance/console"
)

// liveEvery is how often the live view looks again; a slow line makes it less often.
const liveEvery = 2 * time.Second

// withLive gives a command that shows something the option to show it again and again.
func withLive(c *cobra.Command) *cobra.Command {
	live := false
	c.Flags().BoolVar(&live, "live", false, "again and again, until Enter is pressed; only what has changed is written")
	show := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if !live {
			return show(cmd, args)
		}
		return console.Live(cmd.Context(), console.NewLines(console.File{In: os.Stdin, Out: os.Stdout}), liveEvery, func(w io.Writer) error {
			cmd.SetOut(w)
			return show(cmd, args)
		})
	}
	return c
}

func (d *desk) searchLog(ctx context.Context, l *console.Lines) error {
	word, ok, err := l.Prompt(console.Prompt{Text: "What to search for", Help: "A word, or a regular expression."})
	if err != nil || !ok {
		return err
	}
	return d.showsNewest("", "", "logs", "--grep="+word).Run(ctx, l)
}

func (d *desk) ping(ctx context.Context, l *console.Lines) error {
	host, ok, err := l.Prompt(console.Prompt{Text: "Address", Help: "An IPv4 or IPv6 address, or a name.", Check: noOption})
	if err != nil || !ok {
		return err
	}
	return d.goesOn("", "", "ping", host, "--count", "0").Run(ctx, l)
}

func (d *desk) capture(ctx context.Context, l *console.Lines) error {
	words, to := []string{"capture"}, ""
	for _, q := range []struct {
		option string
		console.Prompt
	}{
		{"", console.Prompt{Text: "Interface", Preset: firstInterface(), Help: "The name of a network interface, as Network shows it.", Check: isInterface}},
		{"--protocol", console.Prompt{Text: "Protocol", Preset: anything, Help: "One of " + strings.Join(capture.Protocols(), ", ") + ", or the number of an IP protocol.", Check: isProtocol}},
		{"--host", console.Prompt{Text: "From or to which address", Preset: anything, Help: "An IPv4 or IPv6 address.", Check: isAddress}},
		{"--port", console.Prompt{Text: "From or to which port", Preset: anything, Help: "A port of TCP or UDP.", Check: isPort}},
		{"--write", console.Prompt{Text: "Show it, or write it to a file (show, box, stick)", Preset: "show", Check: oneOf("show", "box", "stick"),
			Help: "A file is one that Wireshark reads, of 16 MiB at most."}},
	} {
		answer, ok, err := l.Prompt(q.Prompt)
		switch {
		case err != nil || !ok:
			return err
		case q.option == "--write":
			if to, err = d.place(answer, "capture-", ".pcap"); err != nil {
				return err
			}
			if to != "" {
				words = append(words, q.option, to)
			}
		case q.option == "":
			words = append(words, answer)
		case answer != anything:
			words = append(words, q.option, answer)
		}
	}
	if to != "" {
		l.Printf("Writing to %s.\n", to)
	}
	return d.goesOn("", "", words...).Run(ctx, l)
}

// anything is the answer of who does not want to choose.
const anything = "all"

// place is where a file goes: "box", "stick", or nowhere. On the box only the newest files are kept.
func (d *desk) place(where, name, ending string) (string, error) {
	file := name + time.Now().UTC().Format("20060102T150405Z") + ending
	switch where {
	case "stick":
		return stickPrefix + file, nil
	case "box":
		if err := os.MkdirAll(d.exports, 0o700); err != nil {
			return "", fmt.Errorf("making the folder of %s: %w", file, err)
		}
		return filepath.Join(d.exports, file), keepNewest(d.exports, 4)
	}
	return "", nil
}

// keepNewest removes the oldest files of a folder.
func keepNewest(dir string, most int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("making room in %s: %w", dir, err)
	}
	age := func(e os.DirEntry) int64 {
		info, err := e.Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(age(b), age(a)) })
	for _, e := range entries[min(most, len(entries)):] {
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	return err
}

// firstInterface is the first that has a cable.
func firstInterface() string {
	all, _ := net.Interfaces() // what can't be read is asked for
	for _, i := range all {
		if i.Flags&(net.FlagRunning|net.FlagLoopback) == net.FlagRunning {
			return i.Name
		}
	}
	return "lo"
}

func isInterface(name string) error {
	if _, err := net.InterfaceByName(name); err != nil {
		all, _ := net.Interfaces()
		var names []string
		for _, i := range all {
			names = append(names, i.Name)
		}
		return fmt.Errorf("there is no interface %+q: write one of %s", name, strings.Join(names, ", "))
	}
	return nil
}

func isProtocol(word string) error {
	if n, err := strconv.Atoi(word); err == nil && n >= 0 && n < 256 {
		return nil
	}
	return oneOf(append(capture.Protocols(), anything)...)(word)
}

func isAddress(word string) error {
	if word == anything {
		return nil
	}
	_, err := addresses([]string{word})
	return err
}

func isPort(word string) error {
	if n, err := strconv.Atoi(word); word != anything && (err != nil || n < 1 || n > 65535) {
		return fmt.Errorf("%+q is no port: write a number from 1 to 65535, or %s", word, anything)
	}
	return nil
}

func oneOf(words ...string) func(string) error {
	return func(answer string) error {
		if !slices.Contains(words, answer) {
			return fmt.Errorf("%+q is none of them: write one of %s", answer, strings.Join(words, ", "))
		}
		return nil
	}
}

func (d *desk) bundle(ctx context.Context, l *console.Lines) error {
	answer, ok, err := l.Prompt(console.Prompt{Text: "Write it to this box or to a stick (box, stick)", Preset: "box", Check: oneOf("box", "stick"),
		Help: "This box keeps the newest ones, in " + d.exports + "."})
	if err != nil || !ok {
		return err
	}
	path, err := d.place(answer, "support-", ".tar.gz")
	if err != nil {
		return err
	}
	if err := d.command(ctx, l.Terminal, "support", path, "--config", filepath.Join(d.archive, "current")); err != nil {
		return err
	}
	l.Printf("%s is written, without the passwords.\n", path)
	return nil
}

func (d *desk) update(ctx context.Context, l *console.Lines) error {
	if err := d.command(ctx, l.Terminal, "slots"); err != nil {
		return err
	}
	where, ok, err := fromStick(l, "Which update, or its URL", updateEnding)
	if err != nil || !ok {
		return err
	}
	if ok, err := l.Confirm("Install " + where + ", and start the box again?"); err != nil || !ok {
		return err
	}
	return d.command(ctx, l.Terminal, "update", where)
}

func (d *desk) factoryReset(ctx context.Context, l *console.Lines) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("finding the name of this box: %w", err)
	}
	l.Printf("The box forgets its configuration and all its versions, the password, the SSH\nkeys and the logs. Nothing brings them back but an export.\n")
	if ok, err := l.Confirm("Shall the box forget everything?"); err != nil || !ok {
		return err
	}
	name, err := l.Read("To be sure, write the name of this box, " + host + ": ")
	if err != nil {
		return err
	}
	if strings.TrimSpace(name) != host {
		return errors.New("this is another name: nothing was changed")
	}
	return d.command(ctx, l.Terminal, "factory-reset", "--yes")
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
		if out, err := exec.CommandContext(ctx, name).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return nil
	}
}

// isOf says that an answer is a list of what can be read by parse, or nothing.
func isOf[T any](parse func([]string) ([]T, error)) func(string) error {
	return func(answer string) error {
		if answer == console.None {
			return nil
		}
		_, err := parse(elements(answer))
		return err
	}
}

// elements are those of a list with blanks or commas between them.
func elements(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
}
