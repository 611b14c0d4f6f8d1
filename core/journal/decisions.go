package journal

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The names of what belongs to VRRP.
const (
	decisionsFile = "decisions.json"
	statesFile    = "states.json"
)

// storedDecisions is decisions.json: what operators said, and nobody took back.
type storedDecisions struct {
	Released []string `json:"released"` // vrrp_instances
	SHA256   string   `json:"sha256"`   // of Released
}

func (d storedDecisions) digest() string {
	names := make(map[string][]byte, len(d.Released))
	for _, n := range d.Released {
		names[n] = nil
	}
	return digest(names)
}

// SaveReleased keeps the names of the vrrp_instances that an operator released, in the place of all that were kept before,
// and returns when they are on the disk.
func (j *Journal) SaveReleased(names []string) error {
	d := storedDecisions{Released: slices.Clone(names)}
	d.SHA256 = d.digest()
	if err := j.save(decisionsFile, d, true, func() { j.released = d.Released }); err != nil {
		return fmt.Errorf("saving the operator's decisions: %w", err)
	}
	return nil
}

// Released returns the names that were saved last.
func (j *Journal) Released() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.released)
}

// SaveStates keeps the states that vrrp_instances are in, by name, for the next core. They are in the file when it returns,
// and on the disk when the kernel has written it: after a loss of power they are of no use.
func (j *Journal) SaveStates(states map[string]sdk.VRRPState) error {
	kept := maps.Clone(states)
	if err := j.save(statesFile, kept, false, func() { j.states = kept }); err != nil {
		return fmt.Errorf("saving the states of the vrrp_instances: %w", err)
	}
	return nil
}

// States returns the states that were saved last.
func (j *Journal) States() map[string]sdk.VRRPState {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.states)
}

// readVRRP reads decisions.json and states.json.
func (j *Journal) readVRRP() {
	var d storedDecisions
	found, err := j.dir.readJSON(decisionsFile, j.limits.fileBytes, &d)
	if err == nil && found && d.SHA256 != d.digest() {
		err = errors.New("the checksum does not match")
	}
	switch {
	case err != nil:
		j.putAside(decisionsFile, err)
	case found:
		j.released = d.Released
	}
	if _, err := j.dir.readJSON(statesFile, j.limits.fileBytes, &j.states); err != nil {
		j.states = nil
		j.putAside(statesFile, err)
	}
}
