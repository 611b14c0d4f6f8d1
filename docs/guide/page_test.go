package guide

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A page is what a reader does with it. In its source, a block "sh" is commands, a block with a second word, as in
// "go main.go", is a file of that name, and a block "text" is what the commands before it print.
type page struct {
	steps []step
}

// A step is commands with what they print, or a file.
type step struct {
	line     int // in the page
	commands string
	prints   string // "": of no interest
	file     string // in place of commands
	content  string
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parse(string(b))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

func parse(text string) (p page, err error) {
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		info, fence := strings.CutPrefix(strings.TrimSpace(lines[i]), "```")
		if !fence {
			continue
		}
		begin := i + 1
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
		}
		if i == len(lines) {
			return p, fmt.Errorf("the block at line %d has no end", begin)
		}
		content := strings.Join(lines[begin:i], "")
		kind, file, _ := strings.Cut(info, " ")
		switch {
		case file != "":
			p.steps = append(p.steps, step{line: begin, file: file, content: content})
		case kind == "sh":
			p.steps = append(p.steps, step{line: begin, commands: content})
		case kind == "text" && len(p.steps) > 0 && p.steps[len(p.steps)-1].commands != "":
			p.steps[len(p.steps)-1].prints = content
		default:
			return p, fmt.Errorf("nobody knows what the block %q at line %d is", info, begin)
		}
	}
	return p, nil
}

// marker begins the output of a step.
func marker(i int) string { return fmt.Sprintf("--- step %d of the page", i) }

// script is all that a reader does, for one shell.
func (p page) script() string {
	var b strings.Builder
	b.WriteString("set -eum\n") // m: jobs, as at a prompt
	for i, s := range p.steps {
		fmt.Fprintf(&b, "echo %q\n", marker(i))
		if s.file != "" {
			fmt.Fprintf(&b, "cat > %s <<'END OF THE FILE'\n%sEND OF THE FILE\n", s.file, s.content)
			continue
		}
		b.WriteString(strings.ReplaceAll(s.commands, "\nsleep 4\n", "\nsleep 12\n")) // a machine that tests has much to do
	}
	fmt.Fprintf(&b, "echo %q\n", marker(len(p.steps)))
	return b.String()
}

// differences says what in the output of the script is not as the page says.
func (p page) differences(output string) (wrong []string) {
	for i, s := range p.steps {
		_, rest, begun := strings.Cut(output, marker(i)+"\n")
		printed, _, ended := strings.Cut(rest, marker(i+1)+"\n")
		switch {
		case !begun:
			return append(wrong, fmt.Sprintf("the commands at line %d are not reached", s.line))
		case !ended:
			return append(wrong, fmt.Sprintf("the commands at line %d fail:\n%s\nthey print\n%s", s.line, s.commands, printed))
		}
		if missing := missingIn(printed, s.prints); missing != "" {
			wrong = append(wrong, fmt.Sprintf("the commands at line %d do not print, where it belongs, the line\n%s\nbut\n%s", s.line, missing, printed))
		}
	}
	return wrong
}

var blanks = regexp.MustCompile(`\s+`)

// missingIn returns the first line of want that does not follow those before it in the output; "": all do. "..." stands for
// anything, a line "..." for any lines, and blanks are as wide as they like.
func missingIn(printed, want string) string {
	lines := strings.Split(printed, "\n")
	at, anywhere := 0, true // at first, anything may come before
	for w := range strings.Lines(want) {
		w = strings.TrimSpace(blanks.ReplaceAllString(w, " "))
		if w == "..." {
			anywhere = true
			continue
		}
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(w), `\.\.\.`, ".*") + "$")
		found := false
		for ; at < len(lines) && !found; at++ {
			found = pattern.MatchString(strings.TrimSpace(blanks.ReplaceAllString(lines[at], " ")))
			if !found && !anywhere {
				return w
			}
		}
		if !found {
			return w
		}
		anywhere = false
	}
	return ""
}
