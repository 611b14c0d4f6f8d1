// Package journal keeps what must survive the core: the last good configuration, the verdicts, and the events.
//
// The state directory holds, beside a lock:
//
//	config.json       the sources of the last good configuration
//	verdicts.json     what the checks said last
//	decisions.json    what operators said: the vrrp_instances that are released
//	states.json       the states that vrrp_instances were in last
//	events-N.jsonl    events, one JSON object a line, in segments named by their first ID
//	next-event.json   a bound that no event's ID has reached, which outlives a loss of power
//
// Nothing in it is worth a daemon that does not start. A file that cannot be read is moved aside, under the same name with
// ".corrupt" behind it, and [Journal.Problems] says so. The journal goes on without what was in it.
package journal

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The names of the files.
const (
	lockFile     = "lock"
	configFile   = "config.json"
	verdictsFile = "verdicts.json"
	nextFile     = "next-event.json"
)

// A Journal is an open state directory. Its methods may be called from several goroutines.
type Journal struct {
	limits limits
	lock   *os.File
	saves  sync.Mutex // one state file is written at a time, and events need not wait for it; taken before mu

	mu       sync.Mutex
	dir      directory
	closed   bool
	problems []error
	config   *storedConfig // nil: none
	verdicts map[string]sdk.Verdict
	released []string
	states   map[string]sdk.VRRPState
	events   eventLog
}

// limits are what tests make smaller.
type limits struct {
	segmentBytes int64  // a segment of events that has reached this many is followed by another
	segments     int    // how many are kept
	fileBytes    int64  // a state file above this is none of ours
	recent       int    // events kept in memory for those who follow them
	reserve      uint64 // IDs that one write of next-event.json is good for
	bootID       string // a file that has other content after each boot
}

// defaults hold some 150,000 events in 32 MiB.
var defaults = limits{
	segmentBytes: 4 << 20,
	segments:     8,
	fileBytes:    64 << 20,
	recent:       1024,
	reserve:      4096,
	bootID:       "/proc/sys/kernel/random/boot_id",
}

// Open opens the journal in a state directory, and makes the directory, for its owner alone, if there is none. It fails
// with a *LockedError while another daemon has it open, if the directory cannot be written, and if everybody can write
// it. Files that cannot be read are no errors; see Problems.
func Open(dir string) (*Journal, error) { return open(dir, defaults) }

func open(dir string, l limits) (*Journal, error) {
	d, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	lock, err := d.lock()
	if err != nil {
		return nil, err
	}
	j := &Journal{limits: l, lock: lock, dir: d}
	bound := j.readVerdicts()
	j.readConfig()
	j.readVRRP()
	if err := j.openEvents(bound); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return j, nil
}

// Problems returns what was found to be unreadable when the journal was opened, and where it was put.
func (j *Journal) Problems() []error { return j.problems }

// Close writes out what is not yet on the disk, and lets the directory go. Closing twice is no error.
func (j *Journal) Close() error {
	j.saves.Lock()
	defer j.saves.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	return errors.Join(j.events.close(), j.lock.Close())
}

// save writes a state file, and then notes what is in it. A journal that is closed writes none.
func (j *Journal) save(name string, v any, sync bool, note func()) error {
	j.saves.Lock()
	defer j.saves.Unlock()
	j.mu.Lock()
	err := j.isOpen()
	j.mu.Unlock()
	if err == nil {
		err = j.dir.writeJSON(name, v, sync)
	}
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	note()
	return nil
}

// isOpen returns an error after Close.
func (j *Journal) isOpen() error {
	if j.closed {
		return fmt.Errorf("the journal in %s: %w", j.dir, os.ErrClosed)
	}
	return nil
}

// putAside moves a file out of the way and remembers why.
func (j *Journal) putAside(name string, why error) {
	j.problems = append(j.problems, j.dir.putAside(name, why))
}

// A storedConfig is config.json. Content is base64, because the sources must come back byte for byte.
type storedConfig struct {
	Time    time.Time         `json:"time"`
	Sources map[string][]byte `json:"sources"`
	SHA256  string            `json:"sha256"` // of Sources in JSON
}

// SaveConfig keeps the sources of a configuration that was found good, by file name, and returns when they are on the
// disk.
func (j *Journal) SaveConfig(sources map[string][]byte, when time.Time) error {
	c := &storedConfig{Time: tellable(when), Sources: make(map[string][]byte, len(sources))}
	for name, b := range sources {
		c.Sources[name] = append([]byte{}, b...)
	}
	c.SHA256 = digest(c.Sources)
	if err := j.save(configFile, c, true, func() { j.config = c }); err != nil {
		return fmt.Errorf("saving the last good configuration: %w", err)
	}
	return nil
}

// LastConfig returns the sources of the last good configuration and when it was accepted. ok is false if there is none.
func (j *Journal) LastConfig() (sources map[string][]byte, when time.Time, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.config == nil {
		return nil, time.Time{}, false
	}
	sources = make(map[string][]byte, len(j.config.Sources))
	for name, b := range j.config.Sources {
		sources[name] = append([]byte{}, b...)
	}
	return sources, j.config.Time, true
}

// ReadConfig is LastConfig of a folder that another process has open.
func ReadConfig(dir string) (sources map[string][]byte, ok bool) {
	c, found, err := directory(dir).lastConfig(defaults.fileBytes)
	if err != nil || !found {
		return nil, false
	}
	return c.Sources, true
}

// lastConfig reads config.json.
func (d directory) lastConfig(limit int64) (c *storedConfig, found bool, err error) {
	c = new(storedConfig)
	found, err = d.readJSON(configFile, limit, c)
	if err == nil && found && c.SHA256 != digest(c.Sources) {
		err = errors.New("the checksum does not match")
	}
	return c, found, err
}

func (j *Journal) readConfig() {
	c, found, err := j.dir.lastConfig(j.limits.fileBytes)
	switch {
	case err != nil:
		j.putAside(configFile, err)
	case found:
		j.config = c
	}
}

// storedVerdicts is verdicts.json. A state is in words, for whoever looks into the file.
type storedVerdicts struct {
	NextEvent uint64                   `json:"next_event"` // a lower bound
	Verdicts  map[string]storedVerdict `json:"verdicts"`
}

type storedVerdict struct {
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Weight *int      `json:"weight_percent,omitempty"`
}

// SaveVerdicts keeps verdicts by target ID, in the place of all that were kept before. They are in the file when it
// returns, and on the disk when the kernel has written it: a loss of power empties the kernel's table too.
func (j *Journal) SaveVerdicts(verdicts map[string]sdk.Verdict) error {
	s := storedVerdicts{NextEvent: j.NextEvent(), Verdicts: make(map[string]storedVerdict, len(verdicts))}
	kept := make(map[string]sdk.Verdict, len(verdicts))
	for id, v := range verdicts {
		v.Since = tellable(v.Since)
		kept[id] = v
		s.Verdicts[id] = storedVerdict{State: v.State.String(), Reason: v.Reason, Since: v.Since, Weight: percent(v.Factor)}
	}
	if err := j.save(verdictsFile, s, false, func() { j.verdicts = kept }); err != nil {
		return fmt.Errorf("saving the verdicts: %w", err)
	}
	return nil
}

// Verdicts returns the verdicts that were saved last, by target ID.
func (j *Journal) Verdicts() map[string]sdk.Verdict {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.verdicts)
}

// readVerdicts reads verdicts.json and returns its bound for the next event's ID.
func (j *Journal) readVerdicts() uint64 {
	j.verdicts = make(map[string]sdk.Verdict)
	var s storedVerdicts
	if _, err := j.dir.readJSON(verdictsFile, j.limits.fileBytes, &s); err != nil {
		j.putAside(verdictsFile, err)
		return 0
	}
	for id, v := range s.Verdicts {
		state := sdk.StateUnknown
		switch v.State {
		case "up":
			state = sdk.StateUp
		case "down":
			state = sdk.StateDown
		}
		held := sdk.Verdict{TargetID: id, State: state, Reason: v.Reason, Since: v.Since}
		if v.Weight != nil {
			held.Factor = sdk.FactorOf(*v.Weight)
		}
		j.verdicts[id] = held
	}
	return s.NextEvent
}

// percent returns what a factor says; nil: nothing.
func percent(f sdk.Factor) *int {
	if p, ok := f.Percent(); ok {
		return &p
	}
	return nil
}

// tellable returns a time as it is written and read back; one that JSON cannot express, which a plugin may send, is none.
func tellable(t time.Time) time.Time {
	if t = t.UTC().Round(0); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
