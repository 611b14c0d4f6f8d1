package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Description is what a plugin says of itself, and a process of it that can be asked about configurations. It has been
// told that this is a dry run. It is for those that check a configuration with somebody else's types; close it.
type Description struct {
	Info sdk.Info

	s    *Supervisor
	once sync.Once
	in   *incarnation
}

// Describe starts a plugin, of those that run or of others, and asks what it is. One whose author has made a mistake that
// keeps it from saying so is a Fault.
func (s *Supervisor) Describe(ctx context.Context, p Plugin) (*Description, error) {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil, fmt.Errorf("plugin %s: %w", p, ErrStopped)
	}
	s.describing.Add(1)
	s.mu.Unlock()
	defer s.describing.Done()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.unstopped, cancel)()
	in, err := s.start(ctx, p, s.o.Logger.Named(p.String()), true)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p, err)
	}
	d := &Description{Info: in.info, s: s, in: in}
	s.mu.Lock()
	s.descriptions[d] = true
	s.mu.Unlock()
	return d, nil
}

// Instance is the process that was asked.
func (d *Description) Instance() *Instance { return d.in.instance() }

// Ended is closed when the process has ended, for whatever reason.
func (d *Description) Ended() <-chan struct{} { return d.in.process.dead }

// Validate asks the plugin about the values of one configuration block, which are JSON with the defaults filled in.
func (d *Description) Validate(ctx context.Context, config json.RawMessage) ([]sdk.Diagnostic, error) {
	return d.in.instance().Validate(ctx, config)
}

// Close ends the process.
func (d *Description) Close() {
	d.once.Do(func() {
		d.in.stop(context.Background(), false)
		d.in.close()
		d.s.mu.Lock()
		defer d.s.mu.Unlock()
		delete(d.s.descriptions, d)
	})
}

// closeDescriptions ends those that are open, and those that are being made. There are no new ones.
func (s *Supervisor) closeDescriptions() {
	s.cancel()
	s.describing.Wait()
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.descriptions))
	s.mu.Unlock()
	for _, d := range open {
		d.Close()
	}
}
