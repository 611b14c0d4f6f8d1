package heartbeat

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestABeatIsAsOldAsTheMachineHasBeenUpSince(t *testing.T) {
	now := 5 * time.Second
	b := Beat{File: filepath.Join(t.TempDir(), "run", "heartbeat"), Uptime: func() (time.Duration, error) { return now, nil }}
	limit := DefaultLimit
	age := func(want time.Duration) {
		t.Helper()
		if got, lim, err := b.Read(); err != nil || got != want || lim != limit {
			t.Errorf("got %v, limit %v, %v, want %v, limit %v", got, lim, err, want, limit)
		}
	}
	age(5 * time.Second) // before the first one
	now = time.Hour
	if err := b.Write(limit); err != nil {
		t.Fatal(err)
	}
	age(0)
	now += time.Minute
	age(time.Minute)
	limit = 0
	if err := b.Write(limit); err != nil {
		t.Fatal(err)
	}
	age(0)
	if err := os.WriteFile(b.File, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _, err := b.Read(); err == nil {
		t.Errorf("something that is no beat is %v old", got)
	}
}

func TestTheMachinesClockGoesOn(t *testing.T) {
	b := Beat{File: filepath.Join(t.TempDir(), "heartbeat")}
	if err := b.Write(time.Minute); err != nil {
		t.Fatal(err)
	}
	if age, _, err := b.Read(); err != nil || age < 0 || age > time.Minute {
		t.Errorf("a beat of now is %v old, %v", age, err)
	}
}
