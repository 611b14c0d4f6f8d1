package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAPersonIsToldWhatHeCanMend(t *testing.T) {
	well := condition{free: 500, size: 700}
	for name, c := range map[string]struct {
		change func(*condition)
		want   string // of the only problem; "": there is none
	}{
		"all is well":             {func(*condition) {}, ""},
		"another card":            {func(c *condition) { c.network = []string{"lan: no card has the address 52:54:00:12:34:56"} }, "network: lan: no card"},
		"evenkeel has just ended": {func(c *condition) { c.ill, c.since = errors.New("evenkeel does not answer"), 5*time.Second }, ""},
		"evenkeel does not start": {func(c *condition) { c.ill, c.since = errors.New("evenkeel does not answer"), time.Minute }, "evenkeel does not answer"},
		"full data partition":     {func(c *condition) { c.free = 20 }, "the data partition is full: 20 of 700 MiB are left"},
		"no data partition":       {func(c *condition) { c.free, c.size = 0, 0 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			state := well
			c.change(&state)
			ps := state.problems()
			switch {
			case c.want == "" && len(ps) == 0:
			case c.want == "" || len(ps) != 1 || !strings.Contains(ps[0].What, c.want):
				t.Errorf("got %+v, want %q", ps, c.want)
			case len(ps[0].Then) == 0:
				t.Errorf("nobody says how to go on from %q", ps[0].What)
			}
		})
	}
}
