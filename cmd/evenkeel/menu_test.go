package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
)

var updateDocs = flag.Bool("update", false, "write the screens of the documentation")

// sitting is a person at a desk of a box with a configuration.
func sitting(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "none.sock")
	d := &desk{socket: &socket, archive: defaultArchive, exports: filepath.Join(dir, "support")}
	d.password.Path = defaultPassword
	return d
}

// leaves are the items of a menu and of those in it, each with the way to it.
func leaves(items []console.Item, way string, f func(way string, i console.Item)) {
	for n, i := range items {
		here := fmt.Sprintf("%s%d", way, n+1)
		f(here, i)
		leaves(i.Items, here+", ", f)
	}
}

// Whatever the menu does, a command does: there is such a command, and it has such options.
func TestEachItemOfTheMenuIsACommand(t *testing.T) {
	root := newRoot()
	box := []string{"sh", "reboot", "poweroff"} // programs of the image
	leaves(sitting(t).menu().Items, "", func(way string, i console.Item) {
		if i.Help == "" || (i.Run == nil) == (i.Items == nil) || (i.Run == nil) != (i.Command == "") {
			t.Errorf("%s %s is not complete", way, i.Text)
		}
		if len(i.Text) > 60 || strings.ContainsFunc(i.Text+i.Help, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s %s is nothing for every terminal", way, i.Text)
		}
		words, ok := strings.CutPrefix(i.Command, "evenkeel ")
		if !ok {
			if i.Command != "" && !strings.Contains(strings.Join(box, " "), i.Command) {
				t.Errorf("%s: %q is no program of the box", way, i.Command)
			}
			return
		}
		c, _, err := root.Find(strings.Fields(words))
		if err != nil || c == root || !c.Runnable() {
			t.Errorf("%s: there is no command %q: %v", way, i.Command, err)
			return
		}
		for _, w := range strings.FieldsFunc(words, func(r rune) bool { return r == ' ' || r == '|' }) {
			if name, is := strings.CutPrefix(w, "--"); is && lookup(c.Flags(), name) == nil {
				t.Errorf("%s: %q has no option %s", way, i.Command, w)
			}
		}
	})
}

func lookup(f *pflag.FlagSet, name string) *pflag.Flag {
	name, _, _ = strings.Cut(name, "=")
	return f.Lookup(name)
}

func TestTheDocumentationHasEachItemOfTheMenu(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Menu | | Command |\n|---|---|---|\n")
	leaves(sitting(t).menu().Items, "", func(way string, i console.Item) {
		command := ""
		if i.Command != "" {
			command = "`" + strings.ReplaceAll(i.Command, "|", "\\|") + "`"
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", way, i.Text, command)
	})
	documented(t, "menu.commands", "\n", table.String()+"\n", "###")
}

// A person looks around. What is shown is what the documentation shows.
func TestTheMenuIsAsTheDocumentationShowsIt(t *testing.T) {
	d := sitting(t)
	d.archive = filepath.Join(t.TempDir(), "config")
	a := &archive.Archive{Dir: d.archive, Check: checkFolder}
	if _, err := a.Save(archive.Files{"box.hcl": []byte("director {\n  name = \"lb1\"\n}\n")}, archive.Note{Who: "the wizard"}); err != nil {
		t.Fatal(err)
	}
	m := d.menu()
	m.Title = "evenkeel 1.0 on lb1"
	var screen strings.Builder
	d.lines = console.NewLines(echo{&screen, strings.NewReader("3\n?7\n1\n0\n0\n")})
	if err := m.Run(t.Context(), d.lines); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(screen.String()) {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	documented(t, "menu.screen", "```text\n", strings.Trim(screen.String(), "\n")+"\n", "```")
}

// An echo is a terminal that shows what is written to it, as the kernel's line discipline does.
type echo struct {
	screen *strings.Builder
	typed  *strings.Reader
}

func (e echo) Read(b []byte) (int, error) {
	c, err := e.typed.ReadByte()
	if err != nil {
		return 0, io.EOF
	}
	b[0] = c
	e.screen.WriteByte(c)
	return 1, nil
}

func (e echo) Write(b []byte) (int, error) { return e.screen.Write(b) }
func (echo) Size() (columns, rows int)     { return 0, 0 }
func (echo) Echo(bool) error               { return nil }

// documented says whether docs/appliance.md has a text as it is, after "<!-- NAME -->".
func documented(t *testing.T, name, begin, want, end string) {
	t.Helper()
	const doc = "../../docs/appliance.md"
	page, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	mark := "<!-- " + name + " -->\n" + begin
	before, rest, found := strings.Cut(string(page), mark)
	got, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for %s", doc, name)
	}
	if *updateDocs {
		if err := os.WriteFile(doc, []byte(before+mark+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("%s has another %s; go test ./cmd/evenkeel -run Documentation -update writes it (-shown +true):\n%s", doc, name, d)
	}
}

// typing runs the menu with what a person writes, and returns what he sees.
func (d *desk) typing(t *testing.T, lines ...string) string {
	t.Helper()
	var screen strings.Builder
	d.lines = console.NewLines(echo{&screen, strings.NewReader(strings.Join(lines, "\n") + "\n0\n0\n")})
	if err := d.menu().Run(t.Context(), d.lines); err != nil {
		t.Errorf("%v\n%s", err, screen.String())
	}
	return screen.String()
}

func TestAnOptionIsNoAnswer(t *testing.T) {
	if got := sitting(t).typing(t, "5", "--count=9", "<"); !strings.Contains(got, `"--count=9" is an option`) {
		t.Errorf("got\n%s", got)
	}
}
