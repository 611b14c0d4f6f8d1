package watchdog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A device counts what is written to it.
type device struct{ written strings.Builder }

func (d *device) Write(p []byte) (int, error) { return d.written.Write(p) }
func (d *device) Close() error                { return nil }

func TestDogIsFedOnlyWhileAllIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{}
		var times []time.Duration
		dog := Dog{w: d, timeout: Timeout, set: func(t time.Duration) error { times = append(times, t); return errors.New("not that") }}
		timeout := Timeout
		var ill error
		var said []string
		ctx, cancel := context.WithCancel(t.Context())
		go dog.Keep(ctx, func() (time.Duration, error) { return timeout, ill }, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		time.Sleep(Timeout)
		synctest.Wait()
		fed := d.written.Len()
		if fed < 5 || len(said) != 0 {
			t.Errorf("fed %d times in its time, said %v: want 5 or more, and nothing", fed, said)
		}
		ill = errors.New("evenkeel does not answer")
		time.Sleep(2 * Timeout)
		synctest.Wait()
		if d.written.Len() > fed+1 {
			t.Errorf("fed %d times while not well", d.written.Len()-fed)
		}
		if len(said) != 1 || !strings.Contains(said[0], "evenkeel does not answer") {
			t.Errorf("said %v, want the reason once", said)
		}
		ill = nil
		time.Sleep(Timeout)
		synctest.Wait()
		if d.written.Len() < fed+4 {
			t.Error("not fed again when well again")
		}
		said, fed = nil, d.written.Len()
		timeout = 0
		time.Sleep(Timeout)
		synctest.Wait()
		if len(times) != 1 || times[0] != 0 || len(said) != 1 {
			t.Errorf("set to %v, said %v, want 0 once, and that the driver can't", times, said)
		}
		if d.written.Len() < fed+4 {
			t.Error("one that can't be stopped is not fed any more")
		}
		cancel()
		synctest.Wait()
	})
}

func TestDogIsNeverToldThatClosingStopsIt(t *testing.T) {
	d := &device{}
	dog := Dog{w: d}
	if err := errors.Join(dog.Feed(), dog.Close()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(d.written.String(), "V") {
		t.Error("the magic character was written: a box that hangs while it stops would hang for ever")
	}
}
