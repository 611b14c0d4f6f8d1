package pairing

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Port is where the first director waits for the second, TCP.
const Port = 8849

// Bounds of a pairing.
const (
	Lifetime    = 10 * time.Minute // of a code
	tries       = 50               // connections without the code before the first gives up
	atOnce      = 8                // connections that are spoken with at the same time
	talk        = 20 * time.Second // for all of one connection
	mostMessage = 8 << 20          // bytes
)

// A Second is who has fetched the shared part.
type Second struct {
	Name    string     // what it calls itself
	Address netip.Addr // where it came from
}

// An Offer is the first director's side.
type Offer struct {
	Director string // name of the first director
	Shared   []byte // the part of the configuration that both have
	Secret   []byte // of the bond that both keep; nil: none
	Code     Code
	Lifetime time.Duration // 0: Lifetime
}

type hello struct {
	Version  int    `json:"version"`
	Director string `json:"director"`
}

type answer struct {
	Version  int    `json:"version"`
	Director string `json:"director"`
	Shared   []byte `json:"shared"`
	Secret   []byte `json:"secret,omitempty"`
}

type thanks struct {
	OK bool `json:"ok"`
}

// ErrExpired is an offer that nobody has taken in its time.
var ErrExpired = errors.New("nobody came with the code in its time: a new one is needed")

// ErrTries is an offer that somebody without the code has asked for again and again.
var ErrTries = errors.New("somebody has tried again and again without the code: it is good no more, look who is in this network before you make a new one")

// Serve waits on a listener, which it closes, until the second director has the shared part, or until the code's time is over.
func (o Offer) Serve(ctx context.Context, l net.Listener) (Second, error) {
	defer l.Close()
	conf, err := o.Code.tls(firstSide, secondSide)
	if err != nil {
		return Second{}, err
	}
	life := o.Lifetime
	if life == 0 {
		life = Lifetime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, life, ErrExpired)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { l.Close() })()

	var mu sync.Mutex
	var second Second
	failed := 0
	var talks sync.WaitGroup
	defer talks.Wait()
	turns := make(chan struct{}, atOnce)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if conn != nil {
				conn.Close()
			}
			break
		}
		if err != nil {
			return Second{}, fmt.Errorf("waiting for the second director: %w", err)
		}
		select {
		case turns <- struct{}{}:
		default: // they are too many; the right one can come again
			conn.Close()
			continue
		}
		talks.Go(func() {
			defer func() { <-turns }()
			s, err := o.give(ctx, tls.Server(conn, conf))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				second = s
				stop(errDone)
			case ctx.Err() == nil:
				if failed++; failed >= tries {
					stop(ErrTries)
				}
			}
		})
	}
	talks.Wait()
	mu.Lock()
	defer mu.Unlock()
	if err := context.Cause(ctx); !errors.Is(err, errDone) {
		return Second{}, err
	}
	return second, nil
}

var errDone = errors.New("done")

// give speaks with one that has come.
func (o Offer) give(ctx context.Context, conn *tls.Conn) (Second, error) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(talk)); err != nil {
		return Second{}, err
	}
	var h hello
	var t thanks
	in := json.NewDecoder(io.LimitReader(conn, 64<<10))
	if err := in.Decode(&h); err != nil {
		return Second{}, err
	}
	if err := json.NewEncoder(conn).Encode(answer{Version: 1, Director: o.Director, Shared: o.Shared, Secret: o.Secret}); err != nil {
		return Second{}, err
	}
	// It has it only when it says so: a connection that breaks before does not use the code up.
	if err := in.Decode(&t); err != nil || !t.OK {
		return Second{}, errors.Join(err, errors.New("the second director did not confirm"))
	}
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	return Second{Name: h.Director, Address: at.Addr().Unmap()}, err
}

// A Shared is what the second director gets.
type Shared struct {
	Director string // name of the first director
	Text     []byte // HCL
	Secret   []byte // of the bond that both keep; nil: the first director keeps none
}

// Fetch is the second director's side: it gets the shared part from the first. keep puts it where it belongs; if that fails, the
// code stays good. dial is nil for the network.
func Fetch(ctx context.Context, code Code, name string, keep func(Shared) error, dial func(ctx context.Context, address string) (net.Conn, error)) error {
	ctx, cancel := context.WithTimeout(ctx, talk)
	defer cancel()
	conf, err := code.tls(secondSide, firstSide)
	if err != nil {
		return err
	}
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	raw, err := dial(ctx, net.JoinHostPort(code.Address.String(), strconv.Itoa(Port)))
	if err != nil {
		return fmt.Errorf("connecting to the first director: %w: is its code still shown, and is it in the same network?", err)
	}
	conn := tls.Client(raw, conf)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var a answer
	err = json.NewEncoder(conn).Encode(hello{Version: 1, Director: name})
	if err == nil {
		err = json.NewDecoder(io.LimitReader(conn, mostMessage)).Decode(&a)
	}
	var alert *net.OpError
	switch {
	case errors.Is(err, errCode), errors.As(err, &alert) && alert.Op == "remote error":
		return fmt.Errorf("%s shows another code by now, or is not the first director: look at its console", code.Address)
	case err != nil:
		return fmt.Errorf("asking the first director: %w", err)
	case a.Version != 1:
		return fmt.Errorf("the first director speaks version %d of the pairing, and this one version 1: bring both to the same version of evenkeel", a.Version)
	}
	if err := keep(Shared{Director: a.Director, Text: a.Shared, Secret: a.Secret}); err != nil {
		return err
	}
	if err := json.NewEncoder(conn).Encode(thanks{OK: true}); err != nil {
		return fmt.Errorf("telling the first director that all is here: %w", err)
	}
	return nil
}
