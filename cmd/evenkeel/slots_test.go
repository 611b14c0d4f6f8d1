package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/update"
)

// counted is a box's disk of which only the counter is looked at.
type counted struct {
	update.Disk
	counter update.Counter
}

func (c counted) Counter() (update.Counter, error) { return c.counter, nil }

func TestSlotsSayWhatAPersonHasToKnow(t *testing.T) {
	write := func(b update.Book, name, text string) {
		if err := os.WriteFile(filepath.Join(b.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		counter update.Counter
		slots   string
		want    string
	}{
		"new": {update.Counter{First: "A", Left: map[update.Slot]int{"A": 3, "B": 0}}, "{}",
			"SLOT  VERSION      STATE                 TRIES  CHECKED\nA     development  runs                  3\nB     ?            is not to be started  0\n"},
		"on trial": {update.Counter{First: "A", Left: map[update.Slot]int{"A": 2, "B": 3}, Trial: "A"}, `{"B":{"version":"1.0","checked":"2026-05-01T12:00:00Z"}}`,
			"SLOT  VERSION      STATE                                          TRIES  CHECKED\nA     development  runs on trial: it has to be well for a minute  2\nB     1.0          can take over                                  3      2026-05-01 12:00 UTC\n"},
		"damaged": {update.Counter{First: "A", Left: map[update.Slot]int{"A": 3, "B": 3}}, `{"B":{"version":"1.0","checked":"2026-05-01T12:00:00Z","damage":"the slot is damaged"}}`,
			"SLOT  VERSION      STATE                                 TRIES  CHECKED\nA     development  runs                                  3\nB     1.0          can't take over: the slot is damaged  3      2026-05-01 12:00 UTC\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := update.Book{Dir: t.TempDir()}
			write(b, "slots.json", c.slots)
			var out bytes.Buffer
			if err := printSlots(&out, counted{counter: c.counter}, "A", b); err != nil || out.String() != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, out.String(), c.want)
			}
		})
	}
	b := update.Book{Dir: t.TempDir()}
	write(b, "failed.json", `[{"version":"2.0","time":"2026-05-01T12:00:00Z"}]`)
	var out bytes.Buffer
	if err := printSlots(&out, counted{}, "A", b); err != nil || !bytes.HasSuffix(out.Bytes(), []byte("version 2.0 did not come up at 2026-05-01 12:00 UTC\n")) {
		t.Errorf("%v\n%s", err, out.String())
	}
}
