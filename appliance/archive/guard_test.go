package archive

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// guard starts a guard that has what runs read what is in use, and says how often.
func guard(t *testing.T, a *Archive, back func() error) (ends func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- a.Guard(ctx, func(context.Context, Version) error { return back() }, func(err error) { t.Log(err) })
	}()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAGuardGoesBackWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArchive(t)
		a.Now = time.Now
		save(t, a, "one")
		if a.Guarded() {
			t.Error("guarded by nobody")
		}
		read := 0
		ends := guard(t, a, func() error {
			if read++; read == 1 {
				return errors.New("evenkeel does not answer")
			}
			return nil
		})
		if !a.Guarded() {
			t.Error("not guarded")
		}
		if err := a.Guard(t.Context(), nil, nil); err == nil {
			t.Error("a second guard")
		}
		if _, err := a.Try(one("two"), Note{}, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		if got := inUse(t, a); got != "two" || read != 0 {
			t.Errorf("before the end of its time %q is in use", got)
		}
		time.Sleep(5 * time.Second)
		if got := inUse(t, a); got != "one" || read != 2 {
			t.Errorf("%q is in use, which was read %d times", got, read)
		}
		if _, err := a.Try(one("two"), Note{}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := a.Confirm(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got := inUse(t, a); got != "two" || read != 2 {
			t.Errorf("what was confirmed: %q is in use, read %d times", got, read)
		}
		ends()
	})
}

// A guard that crashes leaves the trial to the next one, however late that comes.
func TestTheNextGuardGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArchive(t)
		a.Now = time.Now
		save(t, a, "one")
		ends := guard(t, a, func() error { return nil })
		if _, err := a.Try(one("two"), Note{}, time.Minute); err != nil {
			t.Fatal(err)
		}
		ends()
		if a.Guarded() {
			t.Error("guarded by one that has ended")
		}
		time.Sleep(time.Hour)
		ends = guard(t, a, func() error { return nil })
		time.Sleep(time.Second)
		if got := inUse(t, a); got != "one" {
			t.Errorf("%q is in use", got)
		}
		ends()
	})
}
