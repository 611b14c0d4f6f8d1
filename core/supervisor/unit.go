package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A unit keeps one plugin running, one incarnation after the other.
type unit struct {
	s      *Supervisor
	plugin Plugin // but for Attach, see attach
	logger hclog.Logger

	unwanted context.Context // ends when nobody wants the plugin any more
	cancel   context.CancelFunc
	hurry    context.Context // ends when there is no more time to stop in order
	abandon  context.CancelFunc
	done     chan struct{} // there is nothing left

	mu     sync.Mutex
	attach func(context.Context, *Instance) error
	ending Ending
	status Status
}

func newUnit(s *Supervisor, p Plugin) *unit {
	u := &unit{
		s:      s,
		plugin: p,
		logger: s.o.Logger.Named(p.String()),
		done:   make(chan struct{}),
		attach: p.Attach,
		status: Status{Kind: p.Kind, Name: p.Name, State: Starting, Since: time.Now()},
	}
	u.unwanted, u.cancel = context.WithCancel(context.Background())
	u.hurry, u.abandon = context.WithCancel(context.Background())
	return u
}

func (u *unit) attachBy(p Plugin) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.attach = p.Attach
}

// end asks the unit to stop its plugin, and returns.
func (u *unit) end(how Ending) {
	u.mu.Lock()
	u.ending = how
	u.mu.Unlock()
	u.cancel()
}

// run keeps the plugin running until the unit is told to end.
func (u *unit) run() {
	defer close(u.done)
	defer u.abandon()
	b := &backoff{random: rand.Float64}
	for u.unwanted.Err() == nil {
		u.become(Starting, func(*Status) {})
		began := time.Now()
		err := u.live()
		if u.unwanted.Err() != nil {
			break
		}
		var state State
		var delay time.Duration
		var cannot *sdk.PreconditionError
		if errors.As(err, &cannot) {
			state, delay = Failed, u.s.o.Retry
		} else {
			state, delay = Backoff, b.after(time.Since(began))
		}
		u.logger.Error("the plugin has failed", "error", err, "again_in", delay.Round(time.Millisecond))
		u.become(state, func(s *Status) {
			s.PID = 0
			s.LastError = err.Error()
			s.Restarts++
		})
		select {
		case <-time.After(delay):
		case <-u.unwanted.Done():
		}
	}
	u.giveUp()
	u.become(Stopping, func(s *Status) { s.PID = 0 })
}

// giveUp has what a plugin held that died, and that no successor has gone on with, given up by one that is started for
// that alone.
func (u *unit) giveUp() {
	u.mu.Lock()
	how := u.ending
	u.mu.Unlock()
	if mustOutlive(u.plugin.Kind) && how.Release && u.s.keep.holds(u.plugin.String()) && u.hurry.Err() == nil {
		if err := u.live(); err != nil {
			u.logger.Error("what the plugin held could not be given up", "error", err)
		}
	}
}

// live is one incarnation, from its start to its end. It returns why it ended; nil when the plugin is unwanted.
func (u *unit) live() error {
	ctx := u.unwanted
	if mustOutlive(u.plugin.Kind) { // it may have something to give up
		ctx = u.hurry
	}
	in, err := u.s.adopt(ctx, u.plugin, u.logger)
	if err != nil {
		return err
	}
	if in == nil {
		if in, err = u.s.start(ctx, u.plugin, u.logger, u.s.o.DryRun); err != nil {
			return err
		}
		if mustOutlive(u.plugin.Kind) {
			if err := u.s.leaveTrace(u.plugin, in); err != nil { // without one the next core starts another
				in.stop(u.hurry, false)
				in.close()
				return err
			}
		}
	}
	u.become(Running, func(s *Status) {
		s.PID = in.process.pid()
		s.Version = in.info.Version
	})
	u.logger.Info("the plugin runs", "version", in.info.Version, "pid", in.process.pid())

	running, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var tasks sync.WaitGroup
	trouble := make(chan error, 3)
	task := func(ctx context.Context, tasks *sync.WaitGroup, f func(context.Context) error) {
		tasks.Go(func() {
			if err := f(ctx); err != nil {
				trouble <- err
			}
		})
	}
	task(running, &tasks, in.watchMemory)
	// The session lasts until the plugin has been asked to stop: its end would tell the plugin that the core is gone.
	var session sync.WaitGroup
	lease, endLease := context.WithCancel(context.Background())
	defer session.Wait()
	defer endLease()
	task(lease, &session, in.session)
	task(running, &tasks, func(ctx context.Context) error {
		u.mu.Lock()
		attach := u.attach
		u.mu.Unlock()
		if attach == nil {
			return nil
		}
		return attach(ctx, in.instance())
	})

	hung := false
	select {
	case err = <-trouble:
		err = in.diagnose(err)
		hung = errors.Is(err, errHangs)
	case <-in.process.dead:
		err = in.process.cause()
	case <-u.unwanted.Done():
		u.become(Stopping, func(*Status) {})
	}

	cancel(err)
	u.await(&tasks)
	u.mu.Lock()
	how := u.ending
	u.mu.Unlock()
	if err == nil && how.Linger {
		endLease()
		session.Wait()
		in.leave()
		return nil
	}
	switch {
	case err == nil:
		in.stop(u.hurry, how.Release)
	case hung:
		in.process.kill()
	default:
		in.stop(u.hurry, false)
	}
	endLease()
	session.Wait()
	in.close()
	if mustOutlive(u.plugin.Kind) {
		u.s.keep.forget(u.plugin.String())
	}
	return err
}

// await waits for what runs beside an incarnation that has ended.
func (u *unit) await(tasks *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-u.hurry.Done():
	case <-time.After(attachPatience):
		u.logger.Error("Attach goes on after its incarnation has ended", "patience", attachPatience)
	}
}

// attachPatience is how long Attach may take to notice that its context has ended.
const attachPatience = 5 * time.Second

// become changes the state.
func (u *unit) become(state State, change func(*Status)) {
	u.mu.Lock()
	changed := u.status.State != state
	if changed {
		u.status.State, u.status.Since = state, time.Now()
	}
	change(&u.status)
	status := u.status
	u.mu.Unlock()
	if changed || state == Starting {
		u.s.o.OnChange(status)
	}
}

// statusNow is the status with what /proc says.
func (u *unit) statusNow() Status {
	u.mu.Lock()
	status := u.status
	u.mu.Unlock()
	if status.PID != 0 {
		status.Memory, status.CPU = usageOf(status.PID)
	}
	return status
}

// errHangs is what stands behind the end of an incarnation that did not answer.
var errHangs = errors.New("it hangs")

func hangs(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errHangs, fmt.Sprintf(format, args...))
}
