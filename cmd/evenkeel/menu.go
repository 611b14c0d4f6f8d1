package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
)

// menu is the menu of a box. What it does, a command does, too: each item names its own.
func (d *desk) menu() console.Menu {
	host, _ := os.Hostname() // for the title
	return console.Menu{Title: "evenkeel " + version + " on " + host, Out: "log out", Note: d.note, Items: []console.Item{
		{Text: "Status", Command: "evenkeel status --live", Run: d.live,
			Help: "Virtual routers, virtual servers and what is wrong, again and again. \"evenkeel status\" in the shell has every real server, too."},
		{Text: "Network", Items: d.networkItems(), Help: "Shows the network, and changes addresses, name servers and the name of the box."},
		{Text: "Configuration", Items: d.configurationItems(), Help: "Shows, changes, compares and brings back the configuration and its older versions, and has it on a stick."},
		{Text: "Logs", Items: d.logItems(), Help: "The events of the director, and the log of the box."},
		{Text: "Ping", Command: "evenkeel ping ADDRESS", Run: d.ping,
			Help: "Asks a host for an answer, once a second, until Enter is pressed."},
		{Text: "Packet capture", Command: "evenkeel capture INTERFACE", Run: d.capture,
			Help: "Shows the packets of a network interface, a line for each, or writes them to a file for Wireshark, on this box or a stick."},
		d.goesOn("Pair: a code for the second director", "Shows a code, with which the wizard of the second director fetches what both share. It is good once, within ten minutes.", "pair", filepath.Join(d.archive, "current")),
		{Text: "Support bundle", Command: "evenkeel support FILE.tar.gz", Run: d.bundle,
			Help: "Packs what somebody who helps from elsewhere needs: the configuration without passwords, status, events, logs, crash records. By SSH: ssh admin@" + host + " evenkeel support - > support.tar.gz"},
		{Text: "Update", Command: "evenkeel update FILE|stick:FILE|URL", Run: d.update,
			Help: "Puts a new version into the slot that does not run, and starts it. If it does not come up, this version comes back by itself."},
		{Text: "Access: password and SSH keys", Items: d.accessItems(), Help: "Who gets in: the password, and the keys for SSH."},
		d.shows("Time", "What time it is, how well the clock is kept, and what the time servers say now.", "time"),
		d.shows("About this box", "Version, slot, kernel, machine with its serial number, memory, room on the data partition.", "about"),
		{Text: "Shell", Command: "sh", Run: shell,
			Help: "A shell of busybox, with all rights. \"exit\" comes back to the menu."},
		{Text: "Restart the box", Command: "reboot", Run: d.system("Restart it now?", "reboot"),
			Help: "Starts the machine again. In a pair the other director takes over meanwhile."},
		{Text: "Switch the box off", Command: "poweroff", Run: d.system("Switch it off now?", "poweroff"),
			Help: "Switches the machine off. In a pair the other director takes over."},
		{Text: "Factory reset", Command: "evenkeel factory-reset --yes", Run: d.factoryReset,
			Help: "Has the box forget its configuration with all versions, password, keys and logs, and start again with the wizard."},
	}}
}

func (d *desk) logItems() []console.Item {
	return []console.Item{
		d.showsNewest("Events: what happened, and why", "The last hundred events of the director: who came up, who failed, what was done about it, and because of what.", "events"),
		d.showsNewest("The log", "The newest 200 lines of the log: of the kernel, of evenkeel, and of the box itself. It goes back beyond the last start.", "logs"),
		{Text: "Search the log", Command: "evenkeel logs --grep WORD", Run: d.searchLog,
			Help: "The lines of the log with a word in them, or what a regular expression fits, whatever their case."},
		d.goesOn("Watch the log", "The newest lines of the log, and those that come, until Enter is pressed.", "logs", "--follow", "--lines", "20"),
	}
}

func (d *desk) accessItems() []console.Item {
	return []console.Item{
		{Text: "Change the password", Command: "evenkeel password", Run: func(context.Context, *console.Lines) error { return d.newPassword() },
			Help: "The password of this console, and of SSH."},
		d.shows("SSH keys", "Who may log in by SSH with a key.", "keys", "list"),
		d.asks("Add an SSH key", "Adds a public key. Paste the line of the file that ends with .pub, such as ~/.ssh/id_ed25519.pub.", "Public key", "KEY", "keys", "add"),
		d.asks("Remove an SSH key", "Removes a key by its number in the list: whoever has it can't log in with it any more.", "Number of the key", "NUMBER", "keys", "remove"),
		d.shows("Fingerprint of this box", "What an SSH client shows when it connects to this box for the first time.", "ssh", "--fingerprint"),
	}
}

// words are those of a command, with where this desk has its things.
func (d *desk) words(args []string) []string {
	switch args[0] {
	case "config":
		return append(args, "--dir", d.archive)
	case "network":
		if len(args) > 1 {
			return append(args, "--dir", d.archive)
		}
	case "time":
		return append(args, "--config", filepath.Join(d.archive, "current"))
	case "keys":
		return append(args, "--file", string(d.keys()))
	}
	return args
}

// output is what a command writes.
func (d *desk) output(ctx context.Context, args ...string) (string, error) {
	var out strings.Builder
	err := d.command(ctx, &out, args...)
	return out.String(), err
}

// shows is an item whose command writes something.
func (d *desk) shows(text, help string, args ...string) console.Item {
	return d.pages(text, help, false, args)
}

// showsNewest is an item whose command writes the newest last.
func (d *desk) showsNewest(text, help string, args ...string) console.Item {
	return d.pages(text, help, true, args)
}

func (d *desk) pages(text, help string, newest bool, args []string) console.Item {
	return console.Item{Text: text, Help: help, Command: spelled(args), Run: func(ctx context.Context, l *console.Lines) error {
		out, err := d.output(ctx, args...)
		if out == "" {
			return err
		}
		return errors.Join(l.Page(out, newest), err)
	}}
}

// goesOn is an item whose command goes on until Enter is pressed.
func (d *desk) goesOn(text, help string, args ...string) console.Item {
	return console.Item{Text: text, Help: help, Command: spelled(args), Run: func(ctx context.Context, l *console.Lines) error {
		return l.Stoppable(ctx, func(ctx context.Context, w io.Writer) error { return d.command(ctx, w, args...) })
	}}
}

// asks is an item that is a command with one more word, which is asked for.
func (d *desk) asks(text, help, prompt, word string, args ...string) console.Item {
	return console.Item{Text: text, Help: help, Command: spelled(args) + " " + word, Run: func(ctx context.Context, l *console.Lines) error {
		answer, ok, err := l.Prompt(console.Prompt{Text: prompt, Help: help, Check: noOption})
		if err != nil || !ok {
			return err
		}
		return d.command(ctx, l.Terminal, append(args, answer)...)
	}}
}

func spelled(args []string) string { return "evenkeel " + strings.Join(args, " ") }

func noOption(word string) error {
	if strings.HasPrefix(word, "-") {
		return fmt.Errorf("%+q is an option, and has no place here", word)
	}
	return nil
}

// note says that a change waits to be confirmed.
func (d *desk) note() string {
	t, err := d.store().Trial()
	if err != nil || t == nil {
		return ""
	}
	return fmt.Sprintf("A change is being tried: version %d comes back in %s, unless it is confirmed (Configuration, Keep what is tried).", t.Former, max(0, time.Until(t.Until)).Round(time.Second))
}

func (d *desk) live(ctx context.Context, l *console.Lines) error {
	return console.Live(ctx, l, liveEvery, func(w io.Writer) error { return d.command(ctx, w, "status", "--brief") })
}

func (d *desk) configurationItems() []console.Item {
	current := filepath.Join(d.archive, "current")
	return []console.Item{
		d.shows("Show", "The files of the configuration in use.", "config", "show"),
		{Text: "Edit, try and keep", Command: "evenkeel config edit", Run: func(ctx context.Context, l *console.Lines) error { return d.change().EditFile(ctx, l) },
			Help: "Changes a file of the configuration. It is checked, put in use, and kept when you say that everything works; otherwise what was in use comes back by itself."},
		d.shows("Check", "Says whether the configuration in use has errors or warnings, as evenkeel of this version sees it.", "validate", current),
		d.shows("Keep what is tried", "Confirms a change that is being tried.", "config", "confirm"),
		d.shows("Go back from what is tried", "Undoes a change that is being tried, at once.", "config", "undo"),
		d.shows("History", "The versions of the configuration: who made them, when and why.", "config", "history"),
		{Text: "What is different", Command: "evenkeel config diff FROM TO", Run: d.compare,
			Help: "The lines in which two versions of the configuration differ: - is in the first, + in the second."},
		{Text: "Put an older version in use", Command: "evenkeel config rollback VERSION", Run: d.rollback,
			Help: "Tries an older version, and keeps it when you say that everything works. It becomes the newest in the history."},
		{Text: "Export", Command: "evenkeel config export FILE|stick:FILE|-", Run: d.export,
			Help: "Writes the configuration in use into a file, on a stick or on this box. It has the passwords of VRRP and checks in it."},
		{Text: "Import", Command: "evenkeel config import FILE|stick:FILE|-", Run: d.importing,
			Help: "Tries a configuration that was exported, and keeps it when you say that everything works."},
		{Text: "Answer the wizard again", Command: "evenkeel wizard --box", Run: d.setUp,
			Help: "Asks the questions of the first start, and tries the configuration that they make in place of the one in use."},
	}
}

func (d *desk) compare(ctx context.Context, l *console.Lines) error {
	from, to, err := twoVersions(d.store(), nil)
	if err != nil {
		return err
	}
	var words [2]string
	for i, p := range []console.Prompt{{Text: "First version", Preset: fmt.Sprint(from)}, {Text: "Second version", Preset: fmt.Sprint(to)}} {
		p.Help = "The number of a version, as the history has it."
		p.Check = func(answer string) error { _, err := versionNumber(answer); return err }
		answer, ok, err := l.Prompt(p)
		if err != nil || !ok {
			return err
		}
		words[i] = answer
	}
	return d.shows("", "", "config", "diff", words[0], words[1]).Run(ctx, l)
}

func (d *desk) rollback(ctx context.Context, l *console.Lines) error {
	a := d.store()
	answer, ok, err := l.Prompt(console.Prompt{Text: "Which version", Help: "The number of a version, as the history has it.",
		Check: func(answer string) error { _, err := filesOf(a, []string{answer}); return err }})
	if err != nil || !ok {
		return err
	}
	files, err := filesOf(a, []string{answer})
	if err != nil {
		return err
	}
	_, err = d.change().Try(ctx, l, files, "back to version "+answer)
	return err
}

func (d *desk) export(ctx context.Context, l *console.Lines) error {
	host, _ := os.Hostname() // a proposal
	where, ok, err := l.Prompt(console.Prompt{Text: "Where to", Preset: stickPrefix + host + configEnding, Check: noOption,
		Help: "stick:NAME is a file on a stick that is plugged in. Anything else is the path of a file on this box."})
	if err != nil || !ok {
		return err
	}
	if err := d.command(ctx, l.Terminal, "config", "export", where); err != nil {
		return err
	}
	l.Printf("%s is written. There may be passwords in it.\n", where)
	return nil
}

func (d *desk) importing(ctx context.Context, l *console.Lines) error {
	where, ok, err := fromStick(l, "Which file", configEnding)
	if err != nil || !ok {
		return err
	}
	var files archive.Files
	err = readingFrom(where, func(r io.Reader) (err error) { files, err = archive.Import(r); return err })
	if err != nil {
		return err
	}
	_, err = d.change().Try(ctx, l, files, "imported from "+where)
	return err
}

// fromStick asks for a file, and lists those on sticks that end as they should.
func fromStick(l *console.Lines, text, ending string) (where string, ok bool, err error) {
	found, err := ports().files(ending)
	if err != nil {
		l.Printf("No stick was read: %s\n", err)
	}
	for i, f := range found {
		l.Printf("%4d) %s\n", i+1, f)
	}
	if len(found) == 0 {
		l.Printf("There is no file *%s on a stick.\n", ending)
	}
	_, ok, err = l.Prompt(console.Prompt{Text: text, Help: "The number of a file in the list, or the path of a file on this box, or of an update its URL. Plug the stick in and choose this again if it is not in the list.",
		Check: func(answer string) error {
			where = answer
			for i, f := range found {
				if answer == fmt.Sprint(i+1) {
					where = f
				}
			}
			if strings.Trim(where, "0123456789") == "" {
				return fmt.Errorf("there is no file with the number %s", answer)
			}
			return noOption(where)
		}})
	return where, ok, err
}
