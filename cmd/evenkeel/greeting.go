package main

import (
	"fmt"
	"io"
	"os"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/problem"
)

// greet says at a console which box this is, and what is wrong with it: the log does not write over a person's screen.
func greet(w io.Writer, problems string) {
	host, _ := os.Hostname() // it may have none yet
	fmt.Fprintf(w, "\nevenkeel %s on %s\n", version, host)
	sayWrong(w, problems, console.Cards{})
}

// sayWrong says what is wrong with the box, if anything is.
func sayWrong(w io.Writer, problems string, cards console.Cards) {
	text := ""
	for _, p := range cardProblem(cards.List()) {
		text += p.String()
	}
	if text += problem.Read(problems); text != "" {
		fmt.Fprintf(w, "\nThis is wrong here:\n%s", text)
	}
}
