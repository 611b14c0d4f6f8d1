package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/appliance/archive"
)

// A Change puts a configuration in use, and goes back by itself unless somebody says that it is good: who has cut his own
// way to the box off can't say so.
type Change struct {
	Archive *archive.Archive
	Who     string
	Reload  func(context.Context) error // has the running evenkeel read what is in use
	Within  time.Duration               // 0: two minutes
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
		err = c.Try(ctx, l, files, "edited at the console")
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

// Try puts files in use, and goes back if that is not confirmed in time. An error means that what was in use still is.
func (c Change) Try(ctx context.Context, l *Lines, files archive.Files, why string) error {
	within := c.Within
	if within == 0 {
		within = 2 * time.Minute
	}
	v, err := c.Archive.Try(files, archive.Note{Who: c.Who, Why: why}, within)
	if err != nil {
		return err
	}
	back := func() error {
		_, undone, err := c.Archive.Undo(c.Who)
		if err == nil && undone {
			err = c.Reload(ctx)
		}
		return err
	}
	if err := c.Reload(ctx); err != nil {
		return errors.Join(err, back())
	}
	trial, err := c.Archive.Trial()
	if err != nil || trial == nil { // the first configuration: there is nothing to go back to
		return err
	}
	timer := time.AfterFunc(within, func() {
		l.Printf("\n! Nobody has confirmed it: going back to version %d.\n", trial.Former)
		if err := back(); err != nil {
			l.Printf("! %s\n", indented(sentence(err.Error())))
		}
	})
	defer timer.Stop()
	l.Printf("Version %d is in use for %s. Without a yes, what was in use before comes back.\n", v.ID, within)
	good, err := l.Confirm("Does everything work, and is it to be kept?")
	switch {
	case !timer.Stop():
		if err == nil {
			l.Printf("It was too late: what was in use before is in use again.\n")
		}
		return err
	case err != nil || !good:
		if err := errors.Join(err, back()); err != nil {
			return err
		}
		l.Printf("What was in use before is in use again.\n")
		return nil
	}
	if err := c.Archive.Confirm(); err != nil {
		return err
	}
	l.Printf("Version %d is kept.\n", v.ID)
	return nil
}
