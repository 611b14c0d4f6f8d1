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
	age := func(want time.Duration) {
		t.Helper()
		if got, err := b.Age(); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	age(5 * time.Second) // before the first one
	now = time.Hour
	if err := b.Write(); err != nil {
		t.Fatal(err)
	}
	age(0)
	now += time.Minute
	age(time.Minute)
	if err := b.Write(); err != nil {
		t.Fatal(err)
	}
	age(0)
	if err := os.WriteFile(b.File, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Age(); err == nil {
		t.Errorf("something that is no beat is %v old", got)
	}
}

func TestTheMachinesClockGoesOn(t *testing.T) {
	b := Beat{File: filepath.Join(t.TempDir(), "heartbeat")}
	if err := b.Write(); err != nil {
		t.Fatal(err)
	}
	if age, err := b.Age(); err != nil || age < 0 || age > time.Minute {
		t.Errorf("a beat of now is %v old, %v", age, err)
	}
}
