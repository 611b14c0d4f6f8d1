package main

import (
	"cmp"
	"strings"

	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// How a person goes on.
const (
	noCards = `Put one in, or give the virtual machine one (virtio, vmxnet3 or e1000e), and
start the box again. If it has one, the box has no driver for it.`
	badConfiguration = `What ran before goes on. Choose Configuration in the menu: correct it, or put
an older version in use.`
)

// tellErrors tells the consoles what the language says of the configuration in use.
func (b *box) tellErrors(text string, err error) {
	if err != nil {
		b.log.Error("the configuration has errors", "error", err, "text", text)
	}
	if err := problem.Tell(problem.DefaultDir, "configuration", errorsOf(text, err)); err != nil {
		b.log.Error("the consoles do not say what is wrong", "error", err)
	}
}

func errorsOf(text string, err error) []problem.Problem {
	if err == nil {
		return nil // there may be warnings
	}
	text = strings.TrimRight(cmp.Or(text, err.Error()), "\n")
	return []problem.Problem{{What: "the configuration in use has errors:\n" + text, Then: badConfiguration}}
}

// cardProblem is a box without a network card.
func cardProblem(cards []wizard.Card) []problem.Problem {
	if len(cards) > 0 {
		return nil
	}
	return []problem.Problem{{What: "no network card was found", Then: noCards}}
}
