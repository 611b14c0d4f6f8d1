package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/network"
	"github.com/evenkeel/evenkeel/appliance/ntp"
)

// defaultBoxState is the file in which "evenkeel box" says how the box is. It is in memory.
const defaultBoxState = "/run/evenkeel/box.json"

// A boxState is how "evenkeel box" finds the box.
type boxState struct {
	At      time.Time
	Network network.Status
	Clock   ntp.Status
}

// writeStates writes the state again and again.
func (b *box) writeStates(ctx context.Context) error {
	said := ""
	return every(ctx, 5*time.Second, func() {
		err := writeState(b.state, boxState{At: time.Now(), Network: b.network.Status(), Clock: b.clock.Status()})
		if err != nil && said != err.Error() {
			said = err.Error()
			b.log.Error("nobody can ask how the box is", "error", err)
		}
	})
}

func writeState(path string, s boxState) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o644)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("saying how the box is: %w", err)
	}
	return nil
}

// errNoKeeper is a machine on which no "evenkeel box" runs.
var errNoKeeper = errors.New("no \"evenkeel box\" runs here")

// readState reads the state that a running "evenkeel box" has written a moment ago.
func readState(path string, now time.Time) (s boxState, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, errNoKeeper
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading how the box is: %w", err)
	}
	if ago := now.Sub(s.At); ago > time.Minute {
		return s, fmt.Errorf("\"evenkeel box\" has said nothing for %s", elapsed(ago))
	}
	return s, nil
}

// guard goes back from changes that nobody confirms. Whoever made them may be gone.
func (b *box) guard(ctx context.Context) error {
	failed := func(err error) { b.log.Error("configuration", "error", err) }
	return every(ctx, 10*time.Second, func() { // it ends early only if somebody else does it
		a := &archive.Archive{Dir: b.archive.Dir, Check: b.archive.Check}
		if err := guard(ctx, a, b.socket, func(s string) { b.log.Warn("configuration: " + s) }, failed); err != nil {
			failed(err)
		}
	})
}
