package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/console"
)

// A typed is a terminal on which everything was written already.
type typed struct {
	io.Reader
	io.Writer
}

func (typed) Size() (int, int) { return 0, 0 }
func (typed) Echo(bool) error  { return nil }

func TestTheMenuIsTheOneInTheDocumentation(t *testing.T) {
	var out strings.Builder
	socket := "/nonexistent"
	d := &desk{socket: &socket}
	l := console.NewLines(typed{strings.NewReader("3\n0\n0\n"), &out})
	if err := d.menu().Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/appliance.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, ") ") {
			continue
		}
		n++
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/appliance.md does not have\n%s", line)
		}
	}
	if n < 15 {
		t.Errorf("only %d lines were shown", n)
	}
}

func TestAnOptionIsNoWordOfTheMenu(t *testing.T) {
	var out strings.Builder
	socket := "/nonexistent"
	d := &desk{socket: &socket, archive: t.TempDir()}
	l := console.NewLines(typed{strings.NewReader("3\n4\n--dir=/etc\n0\n0\n"), &out})
	if err := d.menu().Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"--dir=/etc" is an option`) {
		t.Errorf("got\n%s", out.String())
	}
}
