// Package feedback is what a real server says of itself in a line of words: the language of HAProxy's agent check
// (configuration.txt, "agent-check"), which the feedback agents of loadbalancer.org speak too, and files that an operator
// writes.
//
//	75%                    three quarters of its weight
//	drain                  its connections may end, and it gets no new ones
//	down # disk is full    out of the pool, and why
//	up ready 100%          all is well
//
// The words are divided by blanks, tabs or commas, in any order, in small letters or large. What follows a sharp is a
// description.
package feedback

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Feedback is what a line says. What it does not say is as configured; nothing is left over from another line.
type Feedback struct {
	Down    string // the word that takes the server out: "down", "fail", "failed", "stopped", "maint"; "": none does
	Drain   bool
	Weighs  bool // Percent was said
	Percent int  // of the configured weight, at most sdk.MaxPercent
	Why     string
}

// Parse reads a line without its break. Words that contradict each other count as the worst of them: out of the pool before
// drained before any weight, the smaller weight before the larger.
func Parse(line string) (Feedback, error) {
	var f Feedback
	said, why, _ := strings.Cut(line, "#")
	f.Why = strings.TrimSpace(why)
	words := strings.FieldsFunc(said, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	if len(words) == 0 {
		return f, errors.New("says nothing")
	}
	for _, word := range words {
		if err := f.take(strings.ToLower(word)); err != nil {
			return Feedback{}, err
		}
	}
	return f, nil
}

// take takes in one word.
func (f *Feedback) take(word string) error {
	switch word {
	case "up", "ready":
		return nil
	case "down", "fail", "failed", "stopped", "maint":
		if f.Down == "" {
			f.Down = word
		}
		return nil
	case "drain":
		f.Drain = true
		return nil
	}
	if limit, ok := strings.CutPrefix(word, "maxconn:"); ok && digits(limit) {
		return nil // HAProxy's queue, which IPVS has not
	}
	if number, ok := strings.CutSuffix(word, "%"); ok && digits(number) {
		percent := sdk.MaxPercent
		if n, err := strconv.ParseUint(number, 10, 16); err == nil { // an error is a number beyond it
			percent = min(int(n), sdk.MaxPercent)
		}
		if f.Weighs {
			percent = min(percent, f.Percent)
		}
		f.Weighs, f.Percent = true, percent
		return nil
	}
	if len(word) > 40 {
		word = word[:40] + "..."
	}
	return fmt.Errorf("says %q, which is no word of it: up, down, drain, maint, 75%%", word)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Probe is what a line means for a probe: an error when it takes the server out, or is no such line, and otherwise a weight
// if it says one. who begins the reason: "the agent".
func Probe(ctx context.Context, who, line string) error {
	f, err := Parse(line)
	if err != nil {
		return fmt.Errorf("%s %w", who, err)
	}
	why := ""
	if f.Why != "" {
		why = ": " + f.Why
	}
	switch {
	case f.Down != "":
		return fmt.Errorf("%s says %s%s", who, f.Down, why)
	case f.Drain:
		sdk.SetWeight(ctx, 0, who+" says drain"+why)
	case f.Weighs:
		sdk.SetWeight(ctx, f.Percent, fmt.Sprintf("%s says %d%%%s", who, f.Percent, why))
	}
	return nil
}
