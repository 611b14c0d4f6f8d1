// Package problem is how the programs of a box tell the person at its console what is wrong and how to go on: each has a file
// in a folder in memory, which the console prints before it asks for the password.
package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DefaultDir is where a box has them: in memory, gone with a restart.
const DefaultDir = "/run/evenkeel/problems"

// A Problem is one thing that is wrong.
type Problem struct {
	What string // "mount the data partition: ..."
	Then string // how to go on, in sentences; "": it says so itself
}

// String is the problem in lines of text, of which the first begins with a star and the others are indented, and what to do
// about it.
func (p Problem) String() string {
	indented := func(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") }
	text := "* " + indented(p.What) + "\n"
	if p.Then != "" {
		text += "  " + indented(p.Then) + "\n"
	}
	return text
}

// Tell replaces what a program has told. None removes it.
func Tell(dir, program string, problems []Problem) error {
	path := filepath.Join(dir, program)
	var err error
	if len(problems) == 0 {
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		var text strings.Builder
		for _, p := range problems {
			text.WriteString(p.String())
		}
		err = os.MkdirAll(dir, 0o755)
		if err == nil {
			err = os.WriteFile(path+".new", []byte(text.String()), 0o644)
		}
		if err == nil {
			err = os.Rename(path+".new", path)
		}
	}
	if err != nil {
		return fmt.Errorf("telling the console what is wrong: %w", err)
	}
	return nil
}

// Read returns what all programs have told, as text; "" is nothing. What can't be read was not told.
func Read(dir string) string {
	var all strings.Builder
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && !strings.HasSuffix(e.Name(), ".new") {
			all.Write(text)
		}
	}
	return all.String()
}
