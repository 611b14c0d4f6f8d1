package update

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A fakePair is two directors and the roles between them.
type fakePair struct {
	master string          // who has the role; "": nobody
	asked  []string        // what was done, in order
	serve  map[string]bool // who can
}

// A fakeDirector is one of them.
type fakeDirector struct {
	pair     *fakePair
	state    State
	put      string // the version that waits
	comesUp  map[string]bool
	away     time.Time // until then it is starting
	fails    map[string]error
	fault    bool // after its restart
	prefers  bool // it has the higher priority
	released bool
}

func newPair() (p *fakePair, lb1, lb2 *fakeDirector) {
	p = &fakePair{master: "lb1", serve: map[string]bool{"lb1": true, "lb2": true}}
	one := func(name string) *fakeDirector {
		return &fakeDirector{pair: p, state: State{Name: name, Version: "1.0", Good: true}, comesUp: map[string]bool{"2.0": true}, fails: map[string]error{}}
	}
	lb1, lb2 = one("lb1"), one("lb2")
	lb1.prefers = true
	return p, lb1, lb2
}

func (d *fakeDirector) did(what string) error {
	d.pair.asked = append(d.pair.asked, d.state.Name+" "+what)
	return d.fails[what]
}

func (d *fakeDirector) State(context.Context) (State, error) {
	if time.Now().Before(d.away) {
		return State{}, errors.New("connection refused")
	}
	if d.released && d.state.Good && d.put == "" && !d.away.IsZero() {
		d.released = false // it is well, and takes its roles back
	}
	if d.prefers && !d.released && !d.away.IsZero() {
		d.pair.master = d.state.Name
	}
	s := d.state
	role := Role{Instance: "web", State: "backup", Released: d.released}
	if d.pair.master == s.Name {
		role.State = "master"
	}
	if d.fault && !d.away.IsZero() {
		role.State = "fault"
	}
	s.Roles = []Role{role}
	return s, nil
}

func (d *fakeDirector) Put(_ context.Context, in io.Reader, _ bool, say func(string)) error {
	line, err := bufio.NewReader(in).ReadString('\n') // as a bundle, it says itself where it ends
	if err != nil {
		return err
	}
	d.put = strings.TrimSpace(line)
	say("written 100%")
	return d.did("put " + d.put)
}

func (d *fakeDirector) other() string {
	if d.state.Name == "lb1" {
		return "lb2"
	}
	return "lb1"
}

func (d *fakeDirector) Release(context.Context) error {
	d.released = true
	if d.pair.master == d.state.Name && d.pair.serve[d.other()] {
		d.pair.master = d.other()
	}
	return d.did("release")
}

func (d *fakeDirector) Reclaim(context.Context) error {
	d.released = false
	return d.did("reclaim")
}

func (d *fakeDirector) Restart(context.Context) error {
	d.away = time.Now().Add(40 * time.Second)
	if d.pair.master == d.state.Name {
		d.pair.master = ""
	}
	if d.comesUp[d.put] {
		d.state.Version = d.put
	} else {
		d.away = time.Now().Add(3 * time.Minute)
		d.state.Failed = append(d.state.Failed, Failure{d.put, d.away})
	}
	d.put = ""
	return d.did("restart")
}

// both updates a pair to version 2.0, and returns what was said.
func both(t *testing.T, here, peer Director) (said []string, err error) {
	t.Helper()
	b := Both{
		Here: here, Peer: peer, Say: func(f string, args ...any) { said = append(said, fmt.Sprintf(f, args...)) },
		Version: "2.0", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("2.0\n")), nil },
	}
	return said, b.Run(t.Context())
}

func TestAPairIsUpdatedOneAfterTheOtherAndOneAlwaysServes(t *testing.T) {
	for name, master := range map[string]string{"this one is master": "lb1", "the other one is": "lb2"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, lb1, lb2 := newPair()
				p.master = master
				lb1.prefers = master == "lb1"
				lb2.prefers = !lb1.prefers
				said, err := both(t, lb1, lb2)
				if err != nil {
					t.Fatal(err)
				}
				want := []string{"lb2 put 2.0", "lb2 restart", "lb1 put 2.0", "lb1 release", "lb1 restart"}
				if master == "lb2" { // which has its role again before lb1 is touched
					want = []string{"lb2 put 2.0", "lb2 release", "lb2 restart", "lb1 put 2.0", "lb1 restart"}
				}
				if diff := cmp.Diff(want, p.asked); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if p.master != "lb2" {
					t.Errorf("while lb1 starts, %q is master", p.master)
				}
				if lb2.state.Version != "2.0" || lb1.state.Version != "2.0" {
					t.Errorf("versions %s and %s", lb1.state.Version, lb2.state.Version)
				}
				all := strings.Join(said, "\n")
				for _, s := range []string{"lb2 runs version 1.0, lb1 runs version 1.0; both get version 2.0", "lb2: written 100%", "lb2: does not answer: it is starting", "lb2 runs version 2.0 and is well", "lb1: starting again"} {
					if !strings.Contains(all, s) {
						t.Errorf("it does not say %q:\n%s", s, all)
					}
				}
			})
		})
	}
}

// As when the command was hung up half-way, and is given again.
func TestADirectorThatHasTheVersionIsNotUpdatedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lb1, lb2 := newPair()
		lb2.state.Version = "2.0"
		if _, err := both(t, lb1, lb2); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"lb1 put 2.0", "lb1 release", "lb1 restart"}, p.asked); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhatFailsOnTheFirstLeavesTheSecondAlone(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		spoil func(p *fakePair, lb1, lb2 *fakeDirector)
		want  string
		asked []string
	}{
		"the update is not taken": {func(_ *fakePair, _, lb2 *fakeDirector) { lb2.fails["put 2.0"] = broken },
			"lb2: broken; lb1 was not touched", []string{"lb2 put 2.0"}},
		"it does not come up": {func(_ *fakePair, _, lb2 *fakeDirector) { lb2.comesUp = nil },
			"lb2: version 2.0 did not come up there, version 1.0 is back; lb1 was not touched", []string{"lb2 put 2.0", "lb2 restart"}},
		"it comes up with a fault": {func(_ *fakePair, _, lb2 *fakeDirector) { lb2.fault = true },
			"lb2: it has not come back well with version 2.0 in 25m0s: look at its console; lb1 was not touched", []string{"lb2 put 2.0", "lb2 restart"}},
		"this one can't stand in": {func(p *fakePair, lb1, lb2 *fakeDirector) { p.master, lb1.prefers, p.serve["lb1"] = "lb2", false, false },
			"lb2: lb1 does not take web over within 30s; lb1 was not touched", []string{"lb2 put 2.0", "lb2 release", "lb2 reclaim"}},
		"it has an update already": {func(_ *fakePair, _, lb2 *fakeDirector) { lb2.state.Good = false },
			`the other director: lb2 has not proved itself yet, or has an update that waits for a restart: wait a minute, or see "evenkeel slots" there; nothing was changed`, nil},
		"a role is released here": {func(_ *fakePair, lb1, _ *fakeDirector) { lb1.released = true },
			`this director: lb1 could not stand in for the other: web is released there ("evenkeel vrrp reclaim web"); nothing was changed`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, lb1, lb2 := newPair()
				c.spoil(p, lb1, lb2)
				_, err := both(t, lb1, lb2)
				if err == nil || strings.ReplaceAll(err.Error(), "\n", " ") != c.want {
					t.Errorf("said %v, want %s", err, c.want)
				}
				if diff := cmp.Diff(c.asked, p.asked); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheSecondThatFailsKeepsItsRolesAndIsNotStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lb1, lb2 := newPair()
		lb1.fails["put 2.0"] = errors.New("the disk is full")
		_, err := both(t, lb1, lb2)
		if want := `lb2 runs version 2.0; lb1: the disk is full: update it by itself, with "evenkeel update"`; err == nil || err.Error() != want {
			t.Errorf("said %v, want %s", err, want)
		}
		if p.master != "lb1" {
			t.Errorf("%q is master", p.master)
		}
	})
}

// remote is a director behind a connection.
func remote(ctx context.Context, d Director) Remote {
	return Remote{Dial: func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { _ = Answer(ctx, there, d) }()
		return here, nil
	}}
}

func TestTheOtherDirectorIsTheSameOverAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lb1, lb2 := newPair()
		if _, err := both(t, lb1, remote(t.Context(), lb2)); err != nil {
			t.Fatal(err)
		}
		want := []string{"lb2 put 2.0", "lb2 restart", "lb1 put 2.0", "lb1 release", "lb1 restart"}
		if diff := cmp.Diff(want, p.asked); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// refusing takes no update, and does not even read it.
type refusing struct{ *fakeDirector }

func (refusing) Put(context.Context, io.Reader, bool, func(string)) error {
	return errors.New("the update is not signed by a key of this box")
}

func TestWhyTheOtherDirectorRefusesIsHeard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _, lb2 := newPair()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = Answer(t.Context(), c, refusing{lb2}) }()
		}
	}()
	r := Remote{Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}}
	err = r.Put(t.Context(), bytes.NewReader(make([]byte, 64<<20)), false, nil)
	if err == nil || err.Error() != "the update is not signed by a key of this box" {
		t.Errorf("heard %v", err)
	}
	if _, err := (Remote{Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("no route to host") }}).State(t.Context()); err == nil || err.Error() != "connecting to the other director: no route to host" {
		t.Errorf("heard %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"version":1,"do":"state"}` + "\n"))
	f.Add([]byte(`{"version":1,"do":"put","force":true}` + "\nrubbish"))
	f.Fuzz(func(t *testing.T, b []byte) {
		here, there := net.Pipe()
		_, lb1, _ := newPair()
		ended := make(chan struct{})
		go func() { defer close(ended); _ = Answer(context.Background(), there, lb1) }()
		go func() { _, _ = io.Copy(io.Discard, here) }()
		_, _ = here.Write(b)
		here.Close()
		<-ended
	})
}
