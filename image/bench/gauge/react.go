package gauge

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// react has the real servers of the first service fail, one after the other. It returns for each how long it took from the answer
// that said so until the kernel gave it no more connections: it has weight 0 there, or is gone. The sink at ask has the
// times of the answers, and both have one clock.
//
// IPVS has no events, so that it is looked at every millisecond: the times are too long by half of that.
func react(ctx context.Context, t table, ask string, servers []string) ([]float64, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", ask)
	if err != nil {
		return nil, fmt.Errorf("the sink does not answer: %w", err)
	}
	defer c.Close()
	sink := NewAsker(c)
	var took []float64
	for _, s := range servers {
		one, err := t.fail(ctx, sink, s)
		if err != nil {
			return took, fmt.Errorf("real server %s: %w", s, err)
		}
		took = append(took, one.Seconds())
	}
	for _, s := range servers { // what is measured next begins with all of them
		if err := t.serves(ctx, s, true); err != nil {
			return took, fmt.Errorf("real server %s, which is well again: %w", s, err)
		}
	}
	return took, nil
}

// serves waits until the kernel has a server with a weight, or has it no more.
func (t *table) serves(ctx context.Context, server string, want bool) error {
	a, err := netip.ParseAddr(server)
	if err != nil {
		return err
	}
	_, err = until(ctx, time.Now(), reloadEvery, func() (bool, error) {
		weights, err := t.kernel.weights(t.first, t.servers)
		return (weights[a] > 0) == want, err
	})
	return err
}

// failures is how often a server may be taken out for another reason than the one that it was given, as a busy machine may have.
const failures = 3

// fail breaks a server, waits until the kernel has it no more, and mends it.
func (t *table) fail(ctx context.Context, sink *Asker, server string) (time.Duration, error) {
	for range failures {
		if err := t.serves(ctx, server, true); err != nil {
			return 0, fmt.Errorf("waiting for it to be in: %w", err)
		}
		if _, err := sink.Ask("break " + server); err != nil {
			return 0, err
		}
		if err := t.serves(ctx, server, false); err != nil {
			return 0, fmt.Errorf("it has failed, and is not taken out: %w", err)
		}
		gone := time.Now().UnixNano()
		seen, err := sink.Ask("break") // none any more
		if err != nil {
			return 0, err
		}
		if failed, ok := seen.Failed[server]; ok {
			return time.Duration(gone - failed), nil
		}
	}
	return 0, errors.New("it is taken out without having failed")
}

// An Asker asks a sink what has come.
type Asker struct {
	conn    net.Conn
	answers *bufio.Reader
}

// NewAsker asks by a connection to the address at which a sink answers questions.
func NewAsker(c net.Conn) *Asker { return &Asker{c, bufio.NewReader(c)} }

// Ask asks a question of one line: "read", or "break" and the addresses that are broken from now on. What was seen since the
// question before comes back.
func (a *Asker) Ask(question string) (v Visits, err error) {
	if _, err := fmt.Fprintln(a.conn, question); err != nil {
		return v, err
	}
	line, err := a.answers.ReadBytes('\n')
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(line, &v)
}

// Close closes the connection.
func (a *Asker) Close() error { return a.conn.Close() }
