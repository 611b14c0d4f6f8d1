package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Role is what a director has in a virtual router.
type Role struct {
	Instance string `json:"instance"`
	State    string `json:"state"` // "master", "backup", "fault"
	Released bool   `json:"released"`
}

// A State is how one director of a pair is.
type State struct {
	Name    string    `json:"name"`
	Version string    `json:"version"` // that runs
	Good    bool      `json:"good"`    // it has proved itself, and no update is waiting
	Failed  []Failure `json:"failed"`
	Roles   []Role    `json:"roles"`
}

// A Director is one of the two of a pair, as an update of both sees it.
type Director interface {
	State(ctx context.Context) (State, error)
	// Put puts an update into the slot that does not run; the next start tries it. say is told how far it is.
	Put(ctx context.Context, bundle io.Reader, force bool, say func(string)) error
	// Release gives away the roles of the master that it has. It takes them back when the version that it starts with next has
	// proved itself.
	Release(ctx context.Context) error
	// Reclaim takes them back without a restart.
	Reclaim(ctx context.Context) error
	Restart(ctx context.Context) error
}

// A Both updates the two directors of a pair, one after the other: there is always one that serves.
type Both struct {
	Here, Peer Director
	Version    string                        // of the update
	Open       func() (io.ReadCloser, error) // the update, from its beginning
	Force      bool
	Say        func(format string, args ...any)
}

// Bounds of what is waited for.
const (
	handOver = 30 * time.Second // until the other director has the roles
	comeBack = 25 * time.Minute // until a director that was started again has proved itself, or has gone back after three tries
	lookEach = time.Second
)

// Run updates the peer, waits until it has proved itself, and then updates this director, which is started again at the end. The error
// says which of them was touched.
func (b *Both) Run(ctx context.Context) error {
	here, err := b.ready(ctx, b.Here)
	if err != nil {
		return fmt.Errorf("this director: %w; nothing was changed", err)
	}
	peer, err := b.ready(ctx, b.Peer)
	if err != nil {
		return fmt.Errorf("the other director: %w; nothing was changed", err)
	}
	b.Say("%s runs version %s, %s runs version %s; both get version %s", peer.Name, peer.Version, here.Name, here.Version, b.Version)
	if peer.Version != b.Version || b.Force {
		err := b.update(ctx, b.Peer, b.Here, peer, here)
		if err == nil {
			peer, err = b.proved(ctx, peer)
		}
		if err != nil {
			return fmt.Errorf("%s: %w; %s was not touched", peer.Name, err, here.Name)
		}
	}
	b.Say("%s runs version %s and is well", peer.Name, b.Version)
	if err := b.update(ctx, b.Here, b.Peer, here, peer); err != nil {
		return fmt.Errorf("%s runs version %s; %s: %w: update it by itself, with \"evenkeel update\"", peer.Name, b.Version, here.Name, err)
	}
	return nil
}

// ready says why a director can't be updated now.
func (b *Both) ready(ctx context.Context, d Director) (State, error) {
	s, err := d.State(ctx)
	if err != nil {
		return s, err
	}
	if !s.Good {
		return s, fmt.Errorf("%s has not proved itself yet, or has an update that waits for a restart: wait a minute, or see \"evenkeel slots\" there", s.Name)
	}
	for _, r := range s.Roles {
		switch {
		case r.State != "master" && r.State != "backup":
			return s, fmt.Errorf("%s could not stand in for the other: %s is %s there", s.Name, r.Instance, r.State)
		case r.Released:
			return s, fmt.Errorf("%s could not stand in for the other: %s is released there (\"evenkeel vrrp reclaim %s\")", s.Name, r.Instance, r.Instance)
		}
	}
	return s, nil
}

// update puts the update into a director, hands its roles to the other one, and starts it again.
func (b *Both) update(ctx context.Context, d, other Director, name, otherName State) error {
	b.Say("%s: version %s into the slot that does not run", name.Name, b.Version)
	in, err := b.Open()
	if err != nil {
		return err
	}
	err = d.Put(ctx, in, b.Force, func(s string) { b.Say("%s: %s", name.Name, s) })
	if err := errors.Join(err, in.Close()); err != nil {
		return err
	}
	if err := b.hand(ctx, d, other, name, otherName); err != nil {
		return errors.Join(err, d.Reclaim(ctx))
	}
	b.Say("%s: starting again", name.Name)
	return d.Restart(ctx)
}

// hand has the other director take the roles that one has.
func (b *Both) hand(ctx context.Context, d, other Director, name, otherName State) error {
	now, err := d.State(ctx)
	if err != nil {
		return err
	}
	var roles []string
	for _, r := range now.Roles {
		if r.State == "master" {
			roles = append(roles, r.Instance)
		}
	}
	if len(roles) == 0 {
		return nil
	}
	b.Say("%s: hands %s over to %s", name.Name, strings.Join(roles, ", "), otherName.Name)
	if err := d.Release(ctx); err != nil {
		return err
	}
	var last error
	ok := within(ctx, handOver, func() bool {
		s, err := other.State(ctx)
		last = err
		return err == nil && s.masters(roles)
	})
	if !ok {
		return errors.Join(fmt.Errorf("%s does not take %s over within %v", otherName.Name, strings.Join(roles, ", "), handOver), last, ctx.Err())
	}
	return nil
}

func (s State) masters(roles []string) bool {
	for _, name := range roles {
		if !slices.ContainsFunc(s.Roles, func(r Role) bool { return r.Instance == name && r.State == "master" }) {
			return false
		}
	}
	return true
}

// proved waits until the peer has come back with the version, and has its place in the pair again.
func (b *Both) proved(ctx context.Context, was State) (State, error) {
	version, now, said := b.Version, was, ""
	say := func(what string) {
		if what != said {
			said = what
			b.Say("%s: %s", was.Name, what)
		}
	}
	gone := false
	done := within(ctx, comeBack, func() bool {
		s, err := b.Peer.State(ctx)
		if err != nil {
			gone = true
			say("does not answer: it is starting")
			return false
		}
		now = s
		switch {
		case s.Version != version && !gone:
			return false // it has not gone down yet
		case s.Version != version && s.failed(version, was):
			return true
		case !s.Good:
			say("runs version " + s.Version + "; it has to be well for a minute")
			return false
		}
		for _, r := range s.Roles {
			if r.Released || r.State != "master" && r.State != "backup" {
				say(fmt.Sprintf("%s is %s there yet", r.Instance, r.State))
				return false
			}
		}
		return true
	})
	switch {
	case !done:
		return was, errors.Join(fmt.Errorf("it has not come back well with version %s in %v: look at its console", version, comeBack), ctx.Err())
	case now.Version != version:
		return was, fmt.Errorf("version %s did not come up there, version %s is back", version, now.Version)
	}
	return now, nil
}

// failed says whether a version has failed since an earlier state.
func (s State) failed(version string, was State) bool {
	last := func(s State) (t time.Time) {
		for _, f := range s.Failed {
			if f.Version == version {
				t = f.Time
			}
		}
		return t
	}
	return last(s).After(last(was))
}

// within asks again and again until something is so, or until the time is over.
func within(ctx context.Context, most time.Duration, so func() bool) bool {
	for begun := time.Now(); ; {
		if so() {
			return true
		}
		if time.Since(begun) > most {
			return false
		}
		select {
		case <-time.After(lookEach):
		case <-ctx.Done():
			return false
		}
	}
}
