package gauge

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWritesAreReadFromTheStatus(t *testing.T) {
	for _, c := range []struct {
		status string
		want   uint64
		fault  string
	}{
		{`{"director": "x", "balancer": {"writes": "11000", "failures": [], "problem": ""}}`, 11000, ""},
		{`{"balancer": {"writes": "0"}}`, 0, ""},
		{`{"balancer": {"writes": "3", "failures": ["tcp 10.0.0.1:80: refused"]}}`, 0, "refused"},
		{`{"balancer": {"writes": "3", "problem": "no ip_vs"}}`, 0, "no ip_vs"},
		{`{"balancer": null}`, 0, "nothing"},
		{`{"balancer": {}}`, 0, "nothing"},
		{`x`, 0, "read the status"},
	} {
		got, err := parseWrites([]byte(c.status))
		switch {
		case c.fault == "" && (err != nil || got != c.want):
			t.Errorf("%s: %d, %v, want %d", c.status, got, err, c.want)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: %v, want an error with %q", c.status, err, c.fault)
		}
	}
}

func TestWaitTakesAsLongAsTheThing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		n := 0
		got, err := until(t.Context(), began, 10*time.Millisecond, func() (bool, error) { n++; return n == 4, nil })
		if err != nil || got != 0.03 {
			t.Errorf("got %v, %v, want 0.03", got, err)
		}
	})
}

func TestWaitHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func() (bool, error) { return false, nil }
		began := time.Now()
		if _, err := until(t.Context(), began, time.Second, never); err == nil || time.Since(began) > patience+2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := until(ctx, time.Now(), time.Second, never); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
	})
}

func TestDaemonThatEndsBeforeItsTableIsFullIsAnErrorWithItsLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	tab := table{first: netip.MustParseAddrPort("10.0.0.1:80"), services: 1, servers: 1, kernel: &fake{}}
	_, err := start(t.Context(), tab, log, "", []string{"/bin/sh", "-c", "echo no such file; exit 3"})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestDaemonIsReadyWhenItsLogSaysSoAndIsStoppedWithItsChildren(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	r, err := start(t.Context(), table{}, log, "in place", []string{"/bin/sh", "-c",
		`sleep 60 & c=$!; trap 'kill $c; exit 0' TERM; sleep 0.05; echo the table is in place; wait`})
	if err != nil || r.Seconds < 0.04 || r.PID == 0 {
		t.Fatalf("got %+v, %v", r, err)
	}
	before, err := tree(procFS, r.PID)
	if err != nil || len(before) != 2 {
		t.Errorf("processes %v, %v, want two", before, err)
	}
	if _, err := stop(t.Context(), r.PID); err != nil {
		t.Error(err)
	}
	for _, p := range before {
		if left, err := tree(procFS, p); err == nil {
			t.Errorf("process %v is left", left)
		}
	}
}

func TestCommandGetsItsInput(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("-A -t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t.Context(), in, []string{"/bin/grep", "-q", "^-A"}); err != nil {
		t.Error(err)
	}
	if _, err := runCommand(t.Context(), in, []string{"/bin/grep", "-q", "no such line"}); err == nil {
		t.Error("a command that failed gave no error")
	}
}

func TestUnknownCommandIsRefused(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"start", "--first", "x"}} {
		if err := Main(t.Context(), args, os.Stdout); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
