package clock_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/appliance/clock"
)

func TestTimeIsKeptAcrossARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	if got, err := clock.Saved(file); err != nil || !got.IsZero() {
		t.Errorf("nothing saved: got %v, %v", got, err)
	}
	for _, want := range []time.Time{time.Unix(1_800_000_000, 0), time.Unix(1_700_000_000, 0)} {
		if err := clock.Save(file, want); err != nil {
			t.Fatal(err)
		}
		if got, err := clock.Saved(file); err != nil || !got.Equal(want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestTimeThatCannotBeSavedIsAnError(t *testing.T) {
	if err := clock.Save(filepath.Join(t.TempDir(), "no", "clock"), time.Now()); err == nil {
		t.Error("got no error")
	}
}

func TestFloorIsTheLatest(t *testing.T) {
	a, b := time.Unix(1, 0), time.Unix(2, 0)
	if got := clock.Floor(a, b, time.Time{}); !got.Equal(b) {
		t.Errorf("got %v, want %v", got, b)
	}
}
