package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// some returns n events from an ID on.
func some(first uint64, n int) []sdk.Event {
	var events []sdk.Event
	for id := first; id < first+uint64(n); id++ {
		events = append(events, sdk.Event{
			ID:      id,
			Time:    when.Add(time.Duration(id) * time.Second),
			Kind:    "real_server",
			Subject: fmt.Sprintf("web/10.1.0.%d:80", id%250),
			From:    "up",
			To:      "down",
			Reason:  "HTTP 503 \"line\nbreak\"",
			Cause:   id - 1,
		})
	}
	return events
}

func mustAppend(t testing.TB, j *Journal, events []sdk.Event) {
	t.Helper()
	if err := j.Append(events); err != nil {
		t.Fatal(err)
	}
}

func expectEvents(t testing.TB, j *Journal, from uint64, max int, want []sdk.Event) {
	t.Helper()
	got, err := j.Events(from, max)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%d events from %d on (-want +got):\n%s", max, from, diff)
	}
}

// small limits make a few events fill several segments.
func small() limits {
	l := defaults
	l.segmentBytes, l.segments, l.recent = 1000, 4, 3
	return l
}

func TestEventsAreReadFromAnIDOnAcrossARestart(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	all := some(1, 50)
	mustAppend(t, j, all[:20])
	mustAppend(t, j, nil)
	mustAppend(t, j, all[20:])
	for range 2 {
		expectEvents(t, j, 0, 1000, all)
		expectEvents(t, j, 1, 5, all[:5])
		expectEvents(t, j, 17, 5, all[16:21])
		expectEvents(t, j, 50, 5, all[49:])
		expectEvents(t, j, 51, 5, nil)
		expectEvents(t, j, 1, 0, nil)
		if n := j.NextEvent(); n != 51 {
			t.Errorf("the next event will be %d", n)
		}
		j = reopen(t, j)
		j.events.recent = nil // from the disk now
	}
	noProblems(t, j)
}

func TestEventsAreBoundedByRemovingTheOldest(t *testing.T) {
	j := mustOpenWith(t, t.TempDir(), small())
	all := some(1, 200)
	for _, e := range all {
		mustAppend(t, j, []sdk.Event{e})
	}
	files, err := filepath.Glob(j.dir.path("events-*"))
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if len(files) != 4 || size > 4*1300 {
		t.Errorf("%d files of %d bytes", len(files), size)
	}
	for range 2 {
		got, err := j.Events(0, 1000)
		if err != nil || len(got) < 12 {
			t.Fatalf("%d events, %v", len(got), err)
		}
		if diff := cmp.Diff(all[len(all)-len(got):], got); diff != "" {
			t.Errorf("the latest events (-want +got):\n%s", diff)
		}
		for i, e := range got {
			expectEvents(t, j, e.ID, 2, got[i:min(i+2, len(got))])
		}
		j = reopen(t, j)
	}
	noProblems(t, j)
}

func TestIDsAscendAndMayHaveGaps(t *testing.T) {
	j := mustOpenWith(t, t.TempDir(), small())
	events := append(some(10, 2), some(100, 3)...)
	mustAppend(t, j, events)
	for _, bad := range [][]sdk.Event{some(102, 1), some(0, 1), {{ID: 200}, {ID: 200}}, {{ID: 1 << 63}}} {
		if err := j.Append(bad); err == nil {
			t.Errorf("%d could follow 102", bad[0].ID)
		}
	}
	for range 2 {
		expectEvents(t, j, 1, 100, events)
		expectEvents(t, j, 50, 100, events[2:])
		j = reopen(t, j)
		j.events.recent = nil
	}
	mustAppend(t, j, some(103, 1))
}

func TestAHalfWrittenLastLineIsCutOff(t *testing.T) {
	for name, tail := range map[string]string{"half a line": `{"id":4,"kind":"real_ser`, "zeros": "\x00\x00\x00\x00", "a line without its end": `{"id":4}`} {
		t.Run(name, func(t *testing.T) {
			j := mustOpen(t, t.TempDir())
			mustAppend(t, j, some(1, 3))
			spoil(t, j, segmentName(1), func(b []byte) []byte { return append(b, tail...) })
			j = reopen(t, j)
			noProblems(t, j)
			mustAppend(t, j, some(4, 2))
			j = reopen(t, j)
			noProblems(t, j)
			expectEvents(t, j, 1, 100, some(1, 5))
		})
	}
}

// spoil changes a file behind the journal's back.
func spoil(t testing.TB, j *Journal, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(j.dir.path(name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.dir.path(name), change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A fullDisk takes half of what is written.
type fullDisk struct{ segmentFile }

func (f fullDisk) Write(b []byte) (int, error) {
	n, err := f.segmentFile.Write(b[:len(b)/2])
	return n, errors.Join(err, syscall.ENOSPC)
}

func TestAnAppendThatFailsLeavesNothingBehind(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	mustAppend(t, j, some(1, 3))
	disk := j.events.file
	j.events.file = fullDisk{disk}
	if err := j.Append(some(4, 2)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("an append to a full disk gave %v", err)
	}
	if n := j.NextEvent(); n != 4 {
		t.Errorf("the next event will be %d", n)
	}
	expectEvents(t, j, 1, 100, some(1, 3))
	j.events.file = disk
	mustAppend(t, j, some(4, 2))
	j = reopen(t, j)
	noProblems(t, j)
	expectEvents(t, j, 1, 100, some(1, 5))
}

// A loss of power takes the last seconds' events along, but somebody may have got them already.
func TestAfterABootNoIDIsUsedAgain(t *testing.T) {
	l := defaults
	l.bootID = filepath.Join(t.TempDir(), "boot_id")
	boot := func(id string) {
		if err := os.WriteFile(l.bootID, []byte(id+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	boot("a")
	j := mustOpenWith(t, t.TempDir(), l)
	mustAppend(t, j, some(1, 100))
	j = reopen(t, j)
	if n := j.NextEvent(); n != 101 {
		t.Errorf("a crash of the core alone: the next event will be %d", n)
	}
	boot("b")
	spoil(t, j, segmentName(1), func(b []byte) []byte { return b[:len(b)/2] })
	j = reopen(t, j)
	if n := j.NextEvent(); n <= 100 {
		t.Errorf("the next event will be %d, but there was one of ID 100", n)
	}
	first := j.NextEvent()
	mustAppend(t, j, some(first, 1))
	j = reopen(t, j)
	if n := j.NextEvent(); n != first+1 {
		t.Errorf("the same boot: %d comes after %d", n, first)
	}
}

func TestIDsAreNotUsedAgainWhenTheEventsAreGone(t *testing.T) {
	j := mustOpen(t, t.TempDir())
	mustAppend(t, j, some(1, 100))
	if err := os.Remove(j.dir.path(segmentName(1))); err != nil {
		t.Fatal(err)
	}
	if j = reopen(t, j); j.NextEvent() <= 100 {
		t.Errorf("the next event will be %d, but there was one of ID 100", j.NextEvent())
	}
}
