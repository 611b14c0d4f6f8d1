package journal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A line is an event as it is written.
type line struct {
	ID      uint64    `json:"id"`
	Time    time.Time `json:"time,omitzero"`
	Kind    string    `json:"kind"`
	Subject string    `json:"subject"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Cause   uint64    `json:"cause,omitempty"`
}

// appendEvent writes an event behind b, as a line.
func appendEvent(b []byte, e sdk.Event) []byte {
	l := line(e)
	l.Time = tellable(e.Time)
	text, err := json.Marshal(l)
	if err != nil {
		panic(fmt.Sprintf("journal: an event has no JSON: %v", err)) // it has only numbers, strings and a time that was checked
	}
	return append(append(b, text...), '\n')
}

// parseEvent reads a line without its end.
func parseEvent(b []byte) (sdk.Event, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return sdk.Event{}, err
	}
	if !validID(l.ID) {
		return sdk.Event{}, fmt.Errorf("no event has the ID %d", l.ID)
	}
	return sdk.Event(l), nil
}

// scan reads a segment that begins with the ID first. whole is where the last line that has its end ends; bad is the
// first thing in the lines before that is no event, and the events are those around it.
func scan(b []byte, first uint64) (events []sdk.Event, whole int, bad error) {
	next := first
	for n := 1; ; n++ {
		end := bytes.IndexByte(b[whole:], '\n')
		if end < 0 {
			return events, whole, bad
		}
		e, err := parseEvent(b[whole : whole+end])
		if err == nil && e.ID < next {
			err = fmt.Errorf("event %d comes after event %d", e.ID, next-1)
		}
		if err == nil {
			events, next = append(events, e), e.ID+1
		} else if bad == nil {
			bad = fmt.Errorf("line %d: %w", n, err)
		}
		whole += end + 1
	}
}

// appendFrom adds to found the events of a segment from an ID on and below another, which begins the next segment, up to
// max in all. Lines ascend, so that the first of them is found by bisection, without reading those before; one that does
// not is left out.
func appendFrom(found []sdk.Event, b []byte, from, below uint64, max int) []sdk.Event {
	// The smallest offset behind which the first event that begins there has reached the ID.
	at := sort.Search(len(b), func(offset int) bool {
		e, _, ok := nextEvent(b, offset, below)
		return !ok || e.ID >= from
	})
	for len(found) < max {
		e, end, ok := nextEvent(b, at, below)
		if !ok {
			break
		}
		if at = end; e.ID >= from {
			found, from = append(found, e), e.ID+1
		}
	}
	return found
}

// nextEvent returns the first event below an ID that begins at an offset or behind it, and where its line ends.
func nextEvent(b []byte, offset int, below uint64) (e sdk.Event, end int, ok bool) {
	if offset > 0 && offset <= len(b) && b[offset-1] != '\n' {
		skip := bytes.IndexByte(b[offset:], '\n')
		if skip < 0 {
			return e, 0, false
		}
		offset += skip + 1
	}
	for offset < len(b) {
		length := bytes.IndexByte(b[offset:], '\n')
		if length < 0 {
			return e, 0, false
		}
		if e, err := parseEvent(b[offset : offset+length]); err == nil && e.ID < below {
			return e, offset + length + 1, true
		}
		offset += length + 1
	}
	return e, 0, false
}

// validID says whether an event can have an ID. The bound, which no director reaches, keeps a broken file from using all
// of them up.
func validID(id uint64) bool { return id > 0 && id < 1<<62 }

// compareID orders events by their IDs.
func compareID(e sdk.Event, id uint64) int { return cmp.Compare(e.ID, id) }
