// Package process is check "process": programs that run on the director, counted in /proc.
package process

import (
	"context"
	"fmt"
	"os/user"
	"strconv"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "process".
func Plugin() sdk.Plugin {
	c := counter{proc: "/proc", lookup: lookup}
	return sdk.NewCheck(sdk.Info{
		Name: "process", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Counts the processes of a program on the director; up when there are enough."},
	}, c.probe)
}

// A counter counts processes.
type counter struct {
	proc   string // where proc(5) is mounted
	lookup func(name string) (uid uint32, err error)
}

func (p counter) probe(ctx context.Context, _ sdk.Target, c Config) error {
	n, err := p.count(ctx, c)
	switch {
	case err != nil:
		return err
	case n == 0 && c.Min > 0:
		return fmt.Errorf("%s is not running", c.what())
	case n < c.Min:
		return fmt.Errorf("%s: %d running, want at least %d", c.what(), n, c.Min)
	case c.Max > 0 && n > c.Max:
		return fmt.Errorf("%s: %d running, want at most %d", c.what(), n, c.Max)
	}
	return nil
}

// lookup returns the number of a user.
func lookup(name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no user %s", name)
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("user %s: %w", name, err)
	}
	return uint32(n), nil
}
