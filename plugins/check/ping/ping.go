// Package ping is check "ping": a real server is up when it answers an ICMP echo request. All probes of a family share one
// socket.
package ping

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "ping".
func Plugin() sdk.Plugin { return plugin(listen) }

// plugin is check "ping" over sockets that listen opens.
func plugin(listen func(family) (conn, error)) sdk.Plugin {
	return sdk.NewProber(sdk.Info{
		Name:    "ping",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Sends an ICMP echo request; a reply is the answer."},
	}, func(sdk.Host) (sdk.Prober[Config], error) { return open(listen) })
}

// A pinger has the socket of each family.
type pinger struct {
	echoes  [2]*echoes // by family; nil: this machine has none
	missing [2]error   // why
}

// open opens both sockets. A machine without IPv6 has no socket of it, which only its targets get to know.
func open(listen func(family) (conn, error)) (*pinger, error) {
	p := &pinger{}
	for _, f := range []family{ipv4Family, ipv6Family} {
		c, err := listen(f)
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
	return errors.Join(errs...)
}

// Probe sends echo requests, as many as the configuration has, evenly over the time that is left, until there is a reply to
// one of them.
func (p *pinger) Probe(ctx context.Context, t sdk.Target, c Config) error {
	if !t.Address.IsValid() {
		return errors.New("there is no address to send to")
	}
	f := familyOf(t.Address)
	if p.missing[f] != nil {
		return p.missing[f]
	}
	every := time.Hour
	if deadline, ok := ctx.Deadline(); ok {
		every = max(time.Until(deadline)/time.Duration(c.Count), time.Millisecond)
	}
	next := time.NewTicker(every)
	defer next.Stop()
	r := p.echoes[f].request(t.Address, c.Size)
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
