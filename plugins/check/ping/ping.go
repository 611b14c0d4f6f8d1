// Package ping is check "ping": a real server is up when it answers an ICMP echo request. All probes of a family share one
// socket.
package ping

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "ping".
func Plugin() sdk.Plugin { return plugin(listen) }

// plugin is check "ping" over sockets that listen opens.
func plugin(listen listener) sdk.Plugin {
	return sdk.NewProber(sdk.Info{
		Name:    "ping",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Sends an ICMP echo request; a reply is the answer.", Egress: true},
	}, func(sdk.Host) (sdk.Prober[Config], error) { return open(listen) })
}

// A listener opens a socket of a family whose packets leave so.
type listener func(family, sdk.Egress) (conn, error)

// A pinger has the socket of each family, and of each other way out that a target asked for.
type pinger struct {
	echoes  [2]*echoes // by family; nil: this machine has none
	missing [2]error   // why

	listen listener
	mu     sync.Mutex
	others map[way]*echoes
}

// A way is a family, and how its packets leave.
type way struct {
	family family
	egress sdk.Egress
}

// open opens both sockets. A machine without IPv6 has no socket of it, which only its targets get to know.
func open(listen listener) (*pinger, error) {
	p := &pinger{listen: listen, others: make(map[way]*echoes)}
	for _, f := range []family{ipv4Family, ipv6Family} {
		c, err := listen(f, sdk.Egress{})
		switch {
		case errors.Is(err, syscall.EAFNOSUPPORT):
			p.missing[f] = fmt.Errorf("this machine has no %s: %w", f, err)
		case err != nil:
			p.Close()
			return nil, err
		default:
			p.echoes[f] = newEchoes(f, c)
		}
	}
	return p, nil
}

// Close closes the sockets.
func (p *pinger) Close() error {
	var errs []error
	for _, e := range p.echoes {
		if e != nil {
			errs = append(errs, e.close())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.others {
		errs = append(errs, e.close())
	}
	return errors.Join(errs...)
}

// maxWays is how many sockets there are beside the first two: one for each source, interface and mark that a configuration
// has had since the plugin's start.
const maxWays = 256

// by returns the echoes of a family whose packets leave so.
func (p *pinger) by(w way) (*echoes, error) {
	if p.missing[w.family] != nil {
		return nil, p.missing[w.family]
	}
	if w.egress.IsZero() {
		return p.echoes[w.family], nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.others[w]; e != nil {
		return e, nil
	}
	if len(p.others) >= maxWays {
		return nil, fmt.Errorf("more than %d sources, interfaces and marks of pings", maxWays)
	}
	c, err := p.listen(w.family, w.egress)
	if err != nil {
		return nil, err
	}
	e := newEchoes(w.family, c)
	p.others[w] = e
	return e, nil
}

// Probe sends echo requests, as many as the configuration has, evenly over the time that is left, until there is a reply to
// one of them.
func (p *pinger) Probe(ctx context.Context, t sdk.Target, c Config) error {
	if !t.Address.IsValid() {
		return errors.New("there is no address to send to")
	}
	echoes, err := p.by(way{familyOf(t.Address), t.Egress})
	if err != nil {
		return err
	}
	every := time.Hour
	if deadline, ok := ctx.Deadline(); ok {
		every = max(time.Until(deadline)/time.Duration(c.Count), time.Millisecond)
	}
	next := time.NewTicker(every)
	defer next.Stop()
	r := echoes.request(t.Address, c.Size)
	defer r.end()
	for range c.Count {
		if err := r.send(c.TTL); err != nil {
			return fmt.Errorf("sending an echo request to %s: %w", t.Address, bare(err))
		}
		select {
		case <-r.replied:
			return nil
		case <-ctx.Done():
			return silence(ctx, t, c)
		case <-next.C:
		}
	}
	select { // the last one has until the very end
	case <-r.replied:
		return nil
	case <-ctx.Done():
		return silence(ctx, t, c)
	}
}

// silence says that there was no reply until ctx was done.
func silence(ctx context.Context, t sdk.Target, c Config) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case c.Count > 1:
		return fmt.Errorf("no reply to %d echo requests within %s", c.Count, t.Schedule.Timeout)
	}
	return fmt.Errorf("no echo reply within %s", t.Schedule.Timeout)
}

// bare is the system's word for an error of a socket.
func bare(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
