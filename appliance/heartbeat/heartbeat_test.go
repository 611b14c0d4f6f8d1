package heartbeat

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheBoxIsWellWhileItsHeartBeats(t *testing.T) {
	now := time.Hour
	b := Beat{File: filepath.Join(t.TempDir(), "run", "heartbeat"), Uptime: func() (time.Duration, error) { return now, nil }}
	if b.Well() == nil {
		t.Error("well before the first beat")
	}
	if err := b.Write(nil); err != nil {
		t.Fatal(err)
	}
	now += Young
	if err := b.Well(); err != nil {
		t.Errorf("with a young one: %v", err)
	}
	now += time.Second
	if err := b.Well(); err == nil || err.Error() != "the last heartbeat was 16s ago" {
		t.Errorf("with an old one: %v", err)
	}
	if err := b.Write(errors.New("evenkeel does not answer")); err != nil {
		t.Fatal(err)
	}
	if err := b.Well(); err == nil || err.Error() != "evenkeel does not answer" {
		t.Errorf("with a bad one: %v", err)
	}
	if err := os.WriteFile(b.File, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b.Well() == nil {
		t.Error("well by something that is no beat")
	}
}
