package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/evenkeel/evenkeel/appliance/archive"
)

// A Change puts a configuration in use, and goes back by itself unless somebody says that it is good: who has cut his own
// way to the box off can't say so.
type Change struct {
	Archive *archive.Archive
	Who     string
	Reload  func(context.Context) error // has the running evenkeel read what is in use
	Within  time.Duration               // 0: the person is asked
	// Edit changes a text, as the function Edit does.
	Edit func(l *Lines, name, text string) (changed string, done bool, err error)
}

// EditFile lets a person choose a file of the configuration in use, change it, and try it.
func (c Change) EditFile(ctx context.Context, l *Lines) error {
	v, err := c.Archive.InUse()
	if err != nil {
		return err
	}
	files, err := c.Archive.Files(v.ID)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(files))
	l.Printf("The files of version %d:\n", v.ID)
	for _, n := range names {
		l.Printf("  %s\n", ascii(n))
	}
	name, err := l.Read(fmt.Sprintf("Which one? [%s]: ", names[0]))
	if err != nil {
		return err
	}
	if name == "" {
		name = names[0]
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("there is no file %+q", short(name))
	}
	text := string(files[name])
	for {
		changed, done, err := c.Edit(l, name, text)
		switch {
		case err != nil:
			return err
		case !done || changed == string(files[name]):
			l.Printf("Nothing was changed.\n")
			return nil
		}
		files := maps.Clone(files)
		files[name] = []byte(changed)
		_, err = c.Try(ctx, l, files, "edited at the console")
		if err == nil || errors.Is(err, ErrHangup) {
			return err
		}
		l.Printf("! %s\n", indented(sentence(err.Error())))
		if again, err := l.Confirm("Edit it again?"); err != nil || !again {
			return err
		}
		text = changed
	}
}

// Try puts files in use, and goes back if that is not confirmed in time. An error means that what was in use still is. Should this
// process die, the guard of the archive goes back.
func (c Change) Try(ctx context.Context, l *Lines, files archive.Files, why string) (kept bool, err error) {
	within := c.Within
	if _, err := c.Archive.InUse(); within == 0 && err == nil {
		if err := c.Archive.Examine(files); err != nil {
			return false, err
		}
		var ok bool
		if within, ok, err = askMinutes(l); err != nil {
			return false, err
		} else if !ok {
			l.Printf("Nothing was changed.\n")
			return false, nil
		}
	}
	v, err := c.Archive.Try(files, archive.Note{Who: c.Who, Why: why}, within)
	if err != nil {
		return false, err
	}
	trial, err := c.Archive.Trial()
	if err != nil {
		return false, err
	}
	back := func() (undone bool, err error) {
		now, err := c.Archive.Trial()
		if err != nil || now == nil || trial == nil || !now.Until.Equal(trial.Until) {
			return false, err // it was confirmed, or undone, by somebody else
		}
		if _, undone, err = c.Archive.Undo(c.Who); err == nil && undone {
			err = c.Reload(ctx)
		}
		return undone, err
	}
	if err := c.Reload(ctx); err != nil {
		_, undo := back()
		return false, errors.Join(err, undo)
	}
	if trial == nil { // the first configuration: there is nothing to go back to
		return true, nil
	}
	over := make(chan struct{})
	timer := time.AfterFunc(within, func() {
		defer close(over)
		undone, err := back()
		if err != nil {
			l.Printf("! %s\n", indented(sentence(err.Error())))
		} else if undone {
			l.Printf("\n! Nobody has confirmed it: version %d is in use again. Press Enter.\n", trial.Former)
		}
	})
	defer timer.Stop()
	l.Printf("Version %d is in use for %s. Without a yes, what was in use before\ncomes back. If this connection is lost: evenkeel config confirm\n", v.ID, spoken(within))
	good, err := l.Confirm("Does everything work, and is it to be kept?")
	if !timer.Stop() {
		<-over
	}
	if err != nil || !good {
		_, undo := back()
		if err := errors.Join(err, undo); err != nil {
			return false, err
		}
	}
	return c.tell(l, v, trial, good)
}

// tell settles what a person has said, and says how it came out: somebody else, or the clock, may have been faster.
func (c Change) tell(l *Lines, v archive.Version, trial *archive.Trial, good bool) (kept bool, err error) {
	now, err := c.Archive.Trial()
	if err == nil && good && now != nil && now.Until.Equal(trial.Until) {
		err = c.Archive.Confirm()
	}
	if err != nil {
		return false, err
	}
	used, err := c.Archive.InUse()
	switch {
	case err != nil:
		return false, err
	case used.ID == v.ID:
		l.Printf("Version %d is kept.\n", v.ID)
	case good:
		l.Printf("It was too late: what was in use before is in use again.\n")
	default:
		l.Printf("What was in use before is in use again.\n")
	}
	return used.ID == v.ID, nil
}

// askMinutes asks how long a confirmation may take.
func askMinutes(l *Lines) (time.Duration, bool, error) {
	var d time.Duration
	_, ok, err := l.Prompt(Prompt{Text: "Minutes until it goes back by itself", Preset: "2",
		Help: "The change is tried. You are asked then whether everything works; without a yes in this time, what is in use now comes back, also when this connection is lost or the box starts again.",
		Check: func(answer string) error {
			n, err := strconv.Atoi(answer)
			if err != nil || n < 1 || n > 60 {
				return fmt.Errorf("%+q is no number of minutes: write one from 1 to 60", short(answer))
			}
			d = time.Duration(n) * time.Minute
			return nil
		}})
	return d, ok, err
}

// spoken is a time as a person says it.
func spoken(d time.Duration) string {
	if d == time.Minute {
		return "a minute"
	}
	if n := int(d.Minutes()); d == time.Duration(n)*time.Minute {
		return fmt.Sprintf("%d minutes", n)
	}
	return d.String()
}
