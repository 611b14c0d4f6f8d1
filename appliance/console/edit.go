package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const editorHelp = `
  p         show all lines; p 10: from line 10 on; p 10 20: lines 10 to 20
  c 10      change line 10
  i 10      insert lines before line 10; a: after the last one; a "." ends it
  d 10      delete line 10; d 10 20: lines 10 to 20
  f WORD    show the lines that have WORD in them
  u         undo the last change; again: the one before
  s         done: go on with the text as it is now
  q         give up: nothing is changed
`

// mostLines is how many lines of a text are shown at once: what a screen has room for.
const mostLines = 20

// An editor changes a text line by line, as it can be done on any terminal.
type editor struct {
	l      *Lines
	lines  []string
	before [][]string // for undo
}

// Edit lets a person change a text. done is false if he gave up.
func Edit(l *Lines, name, text string) (changed string, done bool, err error) {
	e := &editor{l: l, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	l.Printf("%s: %d lines. ? shows the commands.\n", ascii(name), len(e.lines))
	for {
		text, err := l.Read("edit> ")
		if err != nil {
			return "", false, err
		}
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		switch command := fields[0]; command {
		case "s":
			return strings.Join(e.lines, "\n") + "\n", true, nil
		case "q":
			return "", false, nil
		case "?":
			l.Printf("%s\n", editorHelp)
		case "u":
			if n := len(e.before); n > 0 {
				e.lines, e.before = e.before[n-1], e.before[:n-1]
			} else {
				l.Printf("! There is nothing to undo.\n")
			}
		case "f":
			e.find(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "f")))
		case "p", "c", "i", "a", "d":
			if err := e.do(command, fields[1:]); err != nil {
				return "", false, err
			}
		default:
			l.Printf("! %+q is no command: ? shows them.\n", short(command))
		}
	}
}

// do carries out a command with line numbers.
func (e *editor) do(command string, numbers []string) error {
	first, last, problem := e.lineNumbers(command, numbers)
	if problem != "" {
		e.l.Printf("! %s\n", problem)
		return nil
	}
	switch command {
	case "p":
		for i := first; i <= last; i++ {
			if i-first == mostLines && len(numbers) < 2 {
				e.l.Printf("  (p %d shows more)\n", i)
				break
			}
			e.show(i)
		}
	case "d":
		e.change(first, last+1, nil)
	case "c":
		e.show(first)
		text, err := e.l.Read("new: ")
		if err != nil {
			return err
		}
		e.change(first, first+1, []string{text})
	case "i", "a":
		var all []string
		for {
			text, err := e.l.Read("| ")
			if err != nil {
				return err
			}
			if text == "." {
				break
			}
			all = append(all, text)
		}
		e.change(first, first, all)
	}
	return nil
}

// lineNumbers are the first and the last line that a command is about, counted from 1.
func (e *editor) lineNumbers(command string, numbers []string) (first, last int, problem string) {
	most := map[string]int{"p": 2, "d": 2, "c": 1, "i": 1, "a": 0}[command]
	if len(numbers) > most {
		return 0, 0, "There are too many numbers: ? shows the commands."
	}
	var lines [2]int
	for i, text := range numbers {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(e.lines) {
			return 0, 0, fmt.Sprintf("There is no line %+q: write a number from 1 to %d.", short(text), len(e.lines))
		}
		lines[i] = n
	}
	switch {
	case command == "a":
		return len(e.lines) + 1, 0, ""
	case command == "p" && len(numbers) == 0:
		return 1, len(e.lines), ""
	case command == "p" && len(numbers) == 1:
		return lines[0], len(e.lines), ""
	case len(numbers) == 0:
		return 0, 0, "Which line? Write its number after the command."
	case len(numbers) == 1:
		return lines[0], lines[0], ""
	case lines[0] > lines[1]:
		return 0, 0, "The first number is above the second."
	}
	return lines[0], lines[1], ""
}

func (e *editor) show(n int) { e.l.Printf("%4d  %s\n", n, ascii(e.lines[n-1])) }

func (e *editor) find(word string) {
	for i, line := range e.lines {
		if word != "" && strings.Contains(line, word) {
			e.show(i + 1)
		}
	}
}

// change puts lines in place of those from first to before last.
func (e *editor) change(first, last int, with []string) {
	e.before = append(e.before, slices.Clone(e.lines))
	e.lines = slices.Replace(e.lines, first-1, last-1, with...)
}
