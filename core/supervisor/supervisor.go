// Package supervisor runs the plugins' processes: it starts those that are wanted, knows within moments when one is dead or
// hangs, starts it again with back-off, and stops them in order. What a plugin is told, and what is made of its words, is
// the caller's, in Plugin.Attach.
//
// hashicorp/go-plugin makes the handshake and the connection. Everything about the process itself is done here, because
// of what go-plugin does when a plugin misbehaves: its Kill and Ping wait for ever on one that hangs, and a grandchild
// that holds stderr hides a death from it. docs/plugins.md describes the life of a plugin.
package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options say how plugins are run. Times that are zero get the values given here.
type Options struct {
	Self    string       // the file that built-in plugins are part of; "": this process's own
	RunDir  string       // where sockets are; made if it is missing. At most 69 bytes, since a socket's path has a limit
	Logger  hclog.Logger // nil: none
	DryRun  bool         // told to the plugins: leave the world as it is
	Version string       // the core's, told to the plugins

	// OnChange is called with every change of a plugin's state, one at a time for each plugin, and must not block.
	OnChange func(Status)

	StartTimeout time.Duration // 10 s, from the start of the process to what it says of itself
	AdoptTimeout time.Duration // 2 s, for one that a former core has left to say what it is; it is replaced then
	StopTimeout  time.Duration // 5 s, for the plugin to finish; it is killed 2 s later at the latest
	Beat         time.Duration // 2 s, between two beats of the session
	Silence      time.Duration // 10 s without an answer to a beat: it hangs
	Retry        time.Duration // 30 s, between two starts of a plugin that says it can't work here
	Watch        time.Duration // 10 s, between two looks at its memory
}

func (o *Options) defaults() {
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&o.StartTimeout, 10 * time.Second},
		{&o.AdoptTimeout, 2 * time.Second},
		{&o.StopTimeout, 5 * time.Second},
		{&o.Beat, 2 * time.Second},
		{&o.Silence, 10 * time.Second},
		{&o.Retry, 30 * time.Second},
		{&o.Watch, 10 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	if o.Self == "" {
		o.Self = "/proc/self/exe"
	}
	if o.RunDir == "" {
		o.RunDir = "/run/evenkeel"
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.OnChange == nil {
		o.OnChange = func(Status) {}
	}
}

// A Supervisor runs plugins. Make one with New, and Stop it in the end.
type Supervisor struct {
	o       Options
	self    *os.File // open, so that a plugin restarted after an upgrade is still of this version
	sockets *sockets
	keep    *keep
	forker  *forker
	folder  string // to be removed in the end; "": none
	// privilegesOf is the table of who gets what; a field so that tests can bend it.
	privilegesOf func(Plugin) Privileges

	unstopped context.Context // ends with Stop
	cancel    context.CancelFunc

	mu           sync.Mutex
	stopped      bool
	units        map[string]*unit // wanted, by name
	ending       map[*unit]bool   // no longer wanted, and not yet gone
	descriptions map[*Description]bool
	describing   sync.WaitGroup // calls of Describe
}

// ErrStopped is what a supervisor says that has been stopped.
var ErrStopped = errors.New("the supervisor has been stopped")

// New makes a supervisor without plugins. What a predecessor has left in RunDir is swept away.
func New(o Options) (*Supervisor, error) {
	o.defaults()
	self, err := os.Open(o.Self)
	if err != nil {
		return nil, fmt.Errorf("opening the plugins' binary: %w", err)
	}
	kept, err := newKeep(o.RunDir)
	if err != nil {
		return nil, errors.Join(err, self.Close())
	}
	sockets, err := newSockets(o.RunDir, kept.living())
	if err != nil {
		return nil, errors.Join(err, self.Close())
	}
	s := &Supervisor{
		o:       o,
		self:    self,
		sockets: sockets,
		keep:    kept,
		forker:  newForker(),
		units:   make(map[string]*unit),
		ending:  make(map[*unit]bool),

		descriptions: make(map[*Description]bool),
	}
	s.unstopped, s.cancel = context.WithCancel(context.Background())
	s.privilegesOf = privilegesOf
	if os.Geteuid() != 0 {
		o.Logger.Debug("plugins keep this user's identity: only root can give them another", "uid", os.Geteuid())
	} else if sockets.closed {
		o.Logger.Warn("plugins run as root, because others may not pass through the folder of their sockets", "path", o.RunDir)
	}
	return s, nil
}

// NewTemporary makes a supervisor for a question or two: its RunDir is a folder that goes with it.
func NewTemporary(o Options) (*Supervisor, error) {
	dir, err := os.MkdirTemp("", "ek")
	if err != nil {
		return nil, fmt.Errorf("making a folder for a plugin's socket: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // plugins may run as somebody who must pass through it
		return nil, errors.Join(fmt.Errorf("making a folder for a plugin's socket: %w", err), os.Remove(dir))
	}
	o.RunDir = dir
	s, err := New(o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.folder = dir
	return s, nil
}

// Set says which plugins should run. Those that do and are in the set as they were go on, with the new Attach from their
// next incarnation on; others are stopped or started. It returns at once.
func (s *Supervisor) Set(plugins []Plugin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	wanted := make(map[string]Plugin, len(plugins))
	for _, p := range plugins {
		wanted[p.String()] = p
	}
	for name, u := range s.units {
		if p, ok := wanted[name]; ok && u.plugin.same(p) {
			u.attachBy(p)
			continue
		}
		delete(s.units, name)
		s.ending[u] = true
		u.end(Ending{Release: mustOutlive(u.plugin.Kind)}) // nobody wants the addresses any more
	}
	for name, p := range wanted {
		if s.units[name] == nil {
			s.units[name] = s.begin(p)
		}
	}
}

// begin starts a unit, after those of the same name have ended. The caller holds mu.
func (s *Supervisor) begin(p Plugin) *unit {
	u := newUnit(s, p)
	var before []*unit
	for e := range s.ending {
		if e.plugin.String() == p.String() {
			before = append(before, e)
		}
	}
	go func() {
		for _, e := range before {
			<-e.done
		}
		u.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ending, u)
	}()
	return u
}

// Status returns what is known of each plugin, in the order of their names.
func (s *Supervisor) Status() []Status {
	s.mu.Lock()
	byName := make(map[string]*unit)
	for u := range s.ending {
		byName[u.plugin.String()] = u
	}
	for name, u := range s.units {
		byName[name] = u
	}
	s.mu.Unlock()

	var out []Status
	for _, u := range byName {
		out = append(out, u.statusNow())
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.String(), b.String()) })
	return out
}

// Ending says what becomes of what plugins hold in the world.
type Ending struct {
	Release bool // they give it up
	Linger  bool // those that can go on without a core do so, for the next one to take over
}

// of is what becomes of a plugin. Those that can go on without a core give up what they hold if they do not.
func (how Ending) of(p Plugin) Ending {
	if !mustOutlive(p.Kind) {
		return Ending{Release: how.Release}
	}
	return Ending{Release: !how.Linger, Linger: how.Linger}
}

// Stop stops all plugins at the same time, each in order. When ctx ends before they have, they are killed. There is nothing
// left of any of them when it returns, but of those that linger.
func (s *Supervisor) Stop(ctx context.Context, how Ending) error {
	s.mu.Lock()
	again := s.stopped
	s.stopped = true
	var all []*unit
	for name, u := range s.units {
		u.end(how.of(u.plugin))
		delete(s.units, name)
		s.ending[u] = true
	}
	for u := range s.ending {
		all = append(all, u)
	}
	s.mu.Unlock()
	s.closeDescriptions()

	var err error
	for _, u := range all {
		select {
		case <-u.done:
		case <-ctx.Done():
			u.abandon()
			<-u.done
			err = errors.Join(err, fmt.Errorf("stopping plugin %s: %w", u.plugin, ctx.Err()))
		}
	}
	if !again {
		s.forker.close()
		s.keep.close()
		err = errors.Join(err, s.sockets.close(), s.self.Close())
		if s.folder != "" {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}
	return err
}
