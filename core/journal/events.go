package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// An eventLog is the events: segments on the disk, of which the last is open, and the latest events in memory.
//
// Events are not synced one by one: a crash of the core loses none, a loss of power the last seconds'. So that the IDs
// of those are not used again, next-event.json holds an ID above all that were given, and where events may be missing,
// as after a boot, counting goes on from there.
type eventLog struct {
	next     uint64      // the ID of the next event
	reserved uint64      // what next-event.json says
	segments []uint64    // by first ID, ascending; the last is open
	file     segmentFile // the last segment; nil: none yet
	size     int64       // of file
	recent   []sdk.Event // the latest, ascending
}

// A segmentFile is an *os.File, opened for writing at its end.
type segmentFile interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// A reservation is next-event.json.
type reservation struct {
	Bound uint64 `json:"bound"` // no event has this ID or a higher one
	Boot  string `json:"boot"`  // of the system that wrote it
}

// segmentName returns the name of the segment that begins with an ID.
func segmentName(id uint64) string { return fmt.Sprintf("events-%020d.jsonl", id) }

// openEvents finds the segments and the end of the last one. Counting begins at bound, or behind the last event.
func (j *Journal) openEvents(bound uint64) error {
	log := &j.events
	log.next = 1
	if validID(bound) {
		log.next = bound
	}
	before := len(j.problems)
	entries, err := os.ReadDir(string(j.dir))
	if err != nil {
		return fmt.Errorf("opening the journal's events: %w", err)
	}
	for _, e := range entries {
		digits, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".jsonl"), "events-")
		if id, err := strconv.ParseUint(digits, 10, 64); ok && err == nil && validID(id) && e.Name() == segmentName(id) {
			log.segments = append(log.segments, id)
		}
	}
	slices.Sort(log.segments)
	if n := len(log.segments); n > 0 {
		log.next = max(log.next, log.segments[n-1])
		if err := j.repair(log.segments[n-1]); err != nil {
			return err
		}
	}

	boot := j.boot()
	var r reservation
	if _, err := j.dir.readJSON(nextFile, j.limits.fileBytes, &r); err != nil {
		j.putAside(nextFile, err)
	}
	complete := len(log.segments) > 0 && len(j.problems) == before && r.Boot == boot && boot != ""
	if r.Bound > log.next && validID(r.Bound) && !complete {
		log.next = r.Bound
	}
	return nil
}

// boot returns what names this boot of the system, or "".
func (j *Journal) boot() string {
	b, err := os.ReadFile(j.limits.bootID)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// repair makes the last segment end behind an event, reads the latest events, and opens it. What a loss of power left
// half written at its end is cut off; a segment with anything else in it that is no event is moved aside, and its events
// are kept.
func (j *Journal) repair(first uint64) error {
	log, name := &j.events, segmentName(first)
	b, _, err := j.dir.read(name, j.limits.segmentLimit())
	if err != nil {
		j.putAside(name, err)
		log.segments = log.segments[:len(log.segments)-1]
		return nil
	}
	events, whole, bad := scan(b, first)
	switch {
	case bad != nil:
		j.putAside(name, bad)
		var good []byte
		for _, e := range events {
			good = appendEvent(good, e)
		}
		if err := j.dir.write(name, good, true); err != nil {
			return fmt.Errorf("keeping the readable events of %s: %w", name, err)
		}
	case whole < len(b):
		if err := os.Truncate(j.dir.path(name), int64(whole)); err != nil {
			return fmt.Errorf("cutting off a half written event: %w", err)
		}
	}
	if n := len(events); n > 0 {
		log.next = max(log.next, events[n-1].ID+1)
		log.recent = slices.Clone(events[max(0, n-j.limits.recent):])
	}
	return j.openSegment(first)
}

// segmentLimit returns the size above which a file is no segment. A segment is ended by the append that fills it, so that
// it may be larger than it should.
func (l limits) segmentLimit() int64 { return l.segmentBytes + l.fileBytes }

// openSegment opens a segment for writing at its end.
func (j *Journal) openSegment(first uint64) error {
	f, err := os.OpenFile(j.dir.path(segmentName(first)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the journal's events: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("opening the journal's events: %w", err), f.Close())
	}
	j.events.file, j.events.size = f, info.Size()
	return nil
}

// NextEvent returns the ID that the next event should have. It is higher than that of every event there was.
func (j *Journal) NextEvent() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.events.next
}

// Append writes events behind those that are there. Their IDs must ascend and not be below NextEvent. After an error none
// of them is in the journal.
func (j *Journal) Append(events []sdk.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.isOpen(); err != nil {
		return err
	}
	if len(events) == 0 {
		return nil
	}
	log, next := &j.events, j.events.next
	var b []byte
	for _, e := range events {
		if e.ID < next || !validID(e.ID) {
			return fmt.Errorf("event %d cannot follow event %d in the journal", e.ID, next-1)
		}
		next = e.ID + 1
		b = appendEvent(b, e)
	}
	if err := j.reserve(next); err != nil {
		return err
	}
	if err := j.rotate(events[0].ID); err != nil {
		return err
	}
	if _, err := log.file.Write(b); err != nil {
		err = fmt.Errorf("writing events: %w", err)
		if cut := log.file.Truncate(log.size); cut != nil {
			err = errors.Join(err, fmt.Errorf("taking back a part of them: %w", cut))
		}
		return err
	}
	log.size += int64(len(b))
	log.next = next
	for _, e := range events {
		e.Time = tellable(e.Time)
		log.recent = append(log.recent, e)
	}
	if n := len(log.recent); n > 2*j.limits.recent {
		log.recent = slices.Clone(log.recent[n-j.limits.recent:])
	}
	return nil
}

// reserve sees to it that next-event.json is not below next.
func (j *Journal) reserve(next uint64) error {
	log := &j.events
	if next <= log.reserved {
		return nil
	}
	bound := next + j.limits.reserve
	if err := j.dir.writeJSON(nextFile, reservation{Bound: bound, Boot: j.boot()}, true); err != nil {
		return fmt.Errorf("reserving event IDs: %w", err)
	}
	log.reserved = bound
	return nil
}

// rotate begins a new segment, with an ID, if there is none or the last one is full, and removes the oldest.
func (j *Journal) rotate(first uint64) error {
	log := &j.events
	if log.file != nil && log.size < j.limits.segmentBytes {
		return nil
	}
	if err := log.close(); err != nil {
		return err
	}
	if err := j.openSegment(first); err != nil {
		return err
	}
	if n := len(log.segments); n == 0 || log.segments[n-1] != first {
		log.segments = append(log.segments, first)
	}
	for len(log.segments) > j.limits.segments {
		if err := os.Remove(j.dir.path(segmentName(log.segments[0]))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the oldest events: %w", err)
		}
		log.segments = log.segments[1:]
	}
	return nil
}

// close syncs and closes the last segment.
func (log *eventLog) close() error {
	if log.file == nil {
		return nil
	}
	err := errors.Join(log.file.Sync(), log.file.Close())
	log.file = nil
	if err != nil {
		return fmt.Errorf("closing the journal's events: %w", err)
	}
	return nil
}

// Events returns up to max events, the first one of ID from or, where that is no longer there, the next. What is not
// readable is left out.
func (j *Journal) Events(from uint64, max int) ([]sdk.Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.isOpen(); err != nil {
		return nil, err
	}
	log := &j.events
	if max <= 0 || from >= log.next {
		return nil, nil
	}
	if len(log.recent) > 0 && from >= log.recent[0].ID {
		i, _ := slices.BinarySearchFunc(log.recent, from, compareID)
		return slices.Clone(log.recent[i:min(len(log.recent), i+max)]), nil
	}
	i, exact := slices.BinarySearch(log.segments, from)
	if !exact && i > 0 {
		i-- // the segment before may reach up to it
	}
	var found []sdk.Event
	for ; i < len(log.segments); i++ {
		first, below := log.segments[i], log.next
		if i+1 < len(log.segments) {
			below = log.segments[i+1]
		}
		b, _, err := j.dir.read(segmentName(first), j.limits.segmentLimit())
		if err != nil {
			return found, fmt.Errorf("reading the events from %d on: %w", first, err)
		}
		found = appendFrom(found, b, from, below, max)
		if len(found) == max {
			break
		}
	}
	return found, nil
}
