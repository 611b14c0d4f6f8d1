package update

import (
	"fmt"
	"slices"
	"time"
)

// An Outcome is what became of an update, found at a start of the box.
type Outcome struct {
	Kind    string // "", "on trial", "failed" or "interrupted"
	Version string
}

// String says it to a person; "" if there is nothing to say.
func (o Outcome) String() string {
	switch o.Kind {
	case "on trial":
		return fmt.Sprintf("version %s runs on trial: it has to be well for a minute", o.Version)
	case "failed":
		return fmt.Sprintf("version %s did not come up; this is the version before it", o.Version)
	case "interrupted":
		return fmt.Sprintf("the update to version %s was interrupted: start it again", o.Version)
	}
	return ""
}

// Started looks, at a start of the box, what became of an update. If the update's system did not come up and this is the
// former one, it sees to it that the boot loader does not try it again, and remembers the version.
func Started(d Disk, running Slot, b Book, now time.Time) (Outcome, error) {
	p, err := b.Pending()
	if err != nil || p == nil {
		return Outcome{}, err
	}
	if p.Slot == running {
		return Outcome{"on trial", p.Version}, nil
	}
	c, err := d.Counter()
	if err != nil {
		return Outcome{}, fmt.Errorf("reading the boot counter: %w", err)
	}
	failed, err := b.Failed()
	if err != nil {
		return Outcome{}, err
	}
	noted := slices.ContainsFunc(failed, func(f Failure) bool { return f.Version == p.Version && f.Time.After(p.Time) })
	if c.First != p.Slot && !noted { // it was never armed
		return Outcome{"interrupted", p.Version}, b.setPending(nil)
	}
	// Remembered first: after a power cut here the same is found again.
	if err := b.addFailure(Failure{Version: p.Version, Time: now.UTC()}); err != nil {
		return Outcome{}, err
	}
	if err := d.Count(func(c *Counter) { c.First, c.Left[p.Slot], c.Trial = running, 0, "" }); err != nil {
		return Outcome{}, err
	}
	return Outcome{"failed", p.Version}, b.setPending(nil)
}

// Good says that the running system has proved itself: it gets all its tries again, and an update that was on trial is done.
// Which slot is wanted stays as it is: an update may be waiting for the restart.
func Good(d Disk, running Slot, b Book) error {
	err := d.Count(func(c *Counter) {
		c.Left[running] = Tries
		if c.Trial == running {
			c.Trial = ""
		}
	})
	if err != nil {
		return err
	}
	p, err := b.Pending()
	if err != nil || p == nil || p.Slot != running {
		return err
	}
	if err := b.forgive(p.Version); err != nil {
		return err
	}
	return b.setPending(nil)
}
