package update

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// PairPort is where a director of a pair answers the other one about updates, TCP.
const PairPort = 8850

// One connection is one question: a line of JSON, for "put" followed by the bundle, and lines of JSON as the answer, of which the last
// one is final.
type question struct {
	Version int    `json:"version"` // 1
	Do      string `json:"do"`
	Force   bool   `json:"force,omitempty"`
}

type answer struct {
	Say   string `json:"say,omitempty"` // how far it is
	Final bool   `json:"final,omitempty"`
	Error string `json:"error,omitempty"`
	State *State `json:"state,omitempty"`
}

// Bounds of a connection.
const (
	questionTime = 20 * time.Second // for anything but an update
	putTime      = 15 * time.Minute
)

// A Remote is the other director of a pair, over connections that are secured already.
type Remote struct {
	Dial func(ctx context.Context) (net.Conn, error)
}

// State asks how it is.
func (r Remote) State(ctx context.Context) (State, error) {
	a, err := r.ask(ctx, questionTime, question{Do: "state"}, nil, nil)
	if err != nil {
		return State{}, err
	}
	if a.State == nil {
		return State{}, errors.New("the other director does not say how it is")
	}
	return *a.State, nil
}

// Put sends it an update.
func (r Remote) Put(ctx context.Context, bundle io.Reader, force bool, say func(string)) error {
	_, err := r.ask(ctx, putTime, question{Do: "put", Force: force}, bundle, say)
	return err
}

// Release has it give its roles away.
func (r Remote) Release(ctx context.Context) error { return r.order(ctx, "release") }

// Reclaim has it take them back.
func (r Remote) Reclaim(ctx context.Context) error { return r.order(ctx, "reclaim") }

// Restart starts it again.
func (r Remote) Restart(ctx context.Context) error { return r.order(ctx, "restart") }

func (r Remote) order(ctx context.Context, what string) error {
	_, err := r.ask(ctx, questionTime, question{Do: what}, nil, nil)
	return err
}

func (r Remote) ask(ctx context.Context, most time.Duration, q question, bundle io.Reader, say func(string)) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	conn, err := r.Dial(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("connecting to the other director: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	q.Version = 1
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return answer{}, fmt.Errorf("asking the other director: %w", err)
	}
	var sending error
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if bundle != nil {
			_, sending = io.Copy(conn, bundle)
		}
	}()
	for in := json.NewDecoder(conn); ; {
		var a answer
		if err := in.Decode(&a); err != nil {
			conn.Close()
			<-sent
			return answer{}, errors.Join(fmt.Errorf("hearing the other director: %w", err), sending)
		}
		if a.Say != "" && say != nil {
			say(a.Say)
		}
		if a.Final {
			conn.Close() // what it has not read it does not need
			<-sent
			if a.Error != "" {
				return a, errors.New(a.Error)
			}
			return a, nil
		}
	}
}

// Answer answers one connection of the other director with what this one is and does.
func Answer(ctx context.Context, conn net.Conn, here Director) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(questionTime)); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	line, err := in.ReadSlice('\n') // longer ones than its buffer are none of ours
	var q question
	if err == nil {
		err = json.Unmarshal(line, &q)
	}
	if err != nil {
		return fmt.Errorf("reading the other director's question: %w", err)
	}
	out := json.NewEncoder(conn)
	a, err := do(ctx, conn, in, out, q, here)
	if err != nil {
		a.Error = err.Error()
	}
	a.Final = true
	if err := out.Encode(a); err != nil {
		return fmt.Errorf("answering the other director: %w", err)
	}
	// What it still sends is read until it has the answer: a connection that is closed before loses it.
	_ = conn.SetDeadline(time.Now().Add(questionTime))
	_, _ = io.Copy(io.Discard, in)
	if q.Do == "restart" && err == nil {
		return here.Restart(ctx)
	}
	return nil
}

func do(ctx context.Context, conn net.Conn, in io.Reader, out *json.Encoder, q question, here Director) (a answer, err error) {
	if q.Version != 1 {
		return a, fmt.Errorf("the other director speaks version %d of this, and this one version 1: update one of them by itself first", q.Version)
	}
	switch q.Do {
	case "state":
		s, err := here.State(ctx)
		return answer{State: &s}, err
	case "put":
		if err := conn.SetDeadline(time.Now().Add(putTime)); err != nil {
			return a, err
		}
		return a, here.Put(ctx, in, q.Force, func(s string) { _ = out.Encode(answer{Say: s}) }) // who does not hear it does not need it
	case "release":
		return a, here.Release(ctx)
	case "reclaim":
		return a, here.Reclaim(ctx)
	case "restart": // when it has the answer
		return a, nil
	}
	return a, fmt.Errorf("the other director asks for %q, which this version does not know", q.Do)
}
