// Package ntp keeps a box's clock by time servers (RFC 5905, as a client).
//
// The clock is never set back: what is stamped later must not look earlier, certificates that were good must not become "not
// yet valid", and timers of the clock must not wait twice. A clock that is behind by more than a moment is set forward; one
// that is a little off is pulled by the kernel (adjtimex(2)), and one that is ahead is slowed down until time has come up.
package ntp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/beevik/ntp"
	"github.com/hashicorp/go-hclog"
)

// A Clock is what is kept.
type Clock interface {
	Now() time.Time
	Forward(d time.Duration) error               // by d at once; d > 0
	Pull(d, period time.Duration) error          // gently, by d; |d| <= Gentle. period is the time until the next measurement
	Slow(d time.Duration) (time.Duration, error) // for as long as it takes to lose d, which is returned; d > 0
}

// Gentle is the largest offset that the kernel pulls (MAXPHASE of include/linux/timex.h: half a second, of which some is left).
const Gentle = 400 * time.Millisecond

// Between two measurements: often at first, then seldom enough for public servers.
const (
	firstPeriod = 16 * time.Second
	lastPeriod  = 1024 * time.Second
)

// farthest is how far a server may set the clock forward: a packet that says 2090 would never be taken back.
const farthest = 20 * 365 * 24 * time.Hour

// A Client keeps a clock. Its fields are set before Run.
type Client struct {
	Clock Clock
	Log   hclog.Logger
	// Query asks a server by its name or address; nil: over the network.
	Query func(ctx context.Context, server string) (offset time.Duration, err error)

	mu      sync.Mutex
	servers []string
	wake    chan struct{}
	status  Status
}

// A Status is how the clock is.
type Status struct {
	Synchronized bool
	Offset       time.Duration // of the last measurement; positive: the clock was behind
	At           time.Time     // of it
	Problem      string        // why there was none
}

// Set says which servers to ask. It does not wait.
func (c *Client) Set(servers []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Equal(servers, c.servers) {
		return
	}
	c.servers = slices.Clone(servers)
	select {
	case c.waker() <- struct{}{}:
	default:
	}
}

// waker is what wakes Run. mu is held.
func (c *Client) waker() chan struct{} {
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
	}
	return c.wake
}

// Status says how the clock is.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Run keeps the clock until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	c.mu.Lock()
	wake := c.waker()
	c.mu.Unlock()
	period := firstPeriod
	slowed := false
	// A clock that nobody looks at must not run slow.
	hasten := func() {
		if slowed {
			_ = c.Clock.Pull(0, period) // said when the next measurement fails to be made use of
			slowed = false
		}
	}
	defer hasten()
	for {
		c.mu.Lock()
		servers := c.servers
		c.mu.Unlock()
		wait := period
		if len(servers) > 0 {
			offset, err := c.measure(ctx, servers)
			if err == nil {
				wait, err = c.adjust(offset, period)
				slowed = offset < -Gentle
			} else {
				hasten()
			}
			c.note(offset, err)
			if err == nil {
				period = min(period*2, lastPeriod)
			} else {
				period = firstPeriod
			}
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		case <-wake:
			t.Stop()
			period = firstPeriod
		}
	}
}

// measure asks all servers at once and takes the middle one of their answers: of three, one may be wrong by any amount.
func (c *Client) measure(ctx context.Context, servers []string) (time.Duration, error) {
	query := c.Query
	if query == nil {
		query = Query
	}
	offsets, errs := make([]time.Duration, len(servers)), make([]error, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() { offsets[i], errs[i] = query(ctx, s) })
	}
	all.Wait()
	var good []time.Duration
	for i, err := range errs {
		if err == nil {
			good = append(good, offsets[i])
		}
	}
	if len(good) == 0 {
		return 0, errors.Join(errs...)
	}
	slices.SortFunc(good, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	return good[(len(good)-1)/2], nil // of two the smaller: what is too little is made up for the next time
}

// adjust brings the clock nearer to the time, and returns when to measure again.
func (c *Client) adjust(offset, period time.Duration) (time.Duration, error) {
	switch {
	case offset > farthest:
		return period, fmt.Errorf("a server says that the clock is %d years behind, which can't be", offset/(365*24*time.Hour))
	case offset > Gentle:
		if err := c.Clock.Forward(offset); err != nil {
			return period, fmt.Errorf("setting the clock: %w", err)
		}
		c.Log.Info("the clock was behind and was set forward", "by", offset.Round(time.Millisecond))
		return firstPeriod, nil
	case offset < -Gentle:
		takes, err := c.Clock.Slow(-offset)
		if err != nil {
			return period, fmt.Errorf("slowing the clock down: %w", err)
		}
		if !c.Status().Synchronized || c.Status().Offset > -Gentle {
			c.Log.Warn("the clock is ahead; it is not set back, but slowed down until time has come up", "by", (-offset).Round(time.Millisecond), "takes", takes.Round(time.Second))
		}
		return min(takes, lastPeriod), nil
	}
	if err := c.Clock.Pull(offset, period); err != nil {
		return period, fmt.Errorf("adjusting the clock: %w", err)
	}
	return period, nil
}

func (c *Client) note(offset time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if c.status.Problem != err.Error() {
			c.Log.Warn("the time is not known", "error", err)
		}
		c.status.Problem = err.Error()
		return
	}
	if !c.status.Synchronized {
		c.Log.Info("the clock is kept by time servers", "offset", offset.Round(time.Microsecond))
	}
	c.status = Status{Synchronized: true, Offset: offset, At: c.Clock.Now()}
}

// Query asks a server for its time. An answer that is not plausible (RFC 5905 section 9.2: unsynchronized, too old, a kiss
// of death) is an error.
func Query(ctx context.Context, server string) (time.Duration, error) {
	o := ntp.QueryOptions{Timeout: 5 * time.Second, Dialer: func(local, remote string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", remote)
	}}
	r, err := ntp.QueryWithOptions(server, o)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return 0, fmt.Errorf("time server %s: %w", server, err)
	}
	return r.ClockOffset, nil
}
