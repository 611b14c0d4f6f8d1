package main

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/update"
)

// bondFile is what a box keeps of its pairing.
const bondFile = dataFolder + "/pair/bond"

// bonding keeps, on the second director, what the first one shares, and then the bond.
func bonding(code pairing.Code, keep func(pairing.Shared) error) func(pairing.Shared) error {
	return func(s pairing.Shared) error {
		if err := keep(s); err != nil {
			return err
		}
		if _, _, err := thisBox(); err != nil || s.Secret == nil {
			return nil // one of them is no box
		}
		return keepBond(pairing.Bond{Secret: s.Secret, Peer: code.Address, Name: s.Director})
	}
}

// keepBond writes a bond so that it is there after a power cut, too.
func keepBond(b pairing.Bond) error {
	text, err := b.Encode()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(bondFile), 0o700)
	}
	if err != nil {
		return err
	}
	return console.WriteFile(bondFile, text)
}

// answerPeer answers the other director of the pair about updates, from the moment that there is one.
func (b *box) answerPeer(ctx context.Context) error {
	t, err := newThisDirector(b.socket, defaultKeys)
	if err != nil {
		return nil // a Linux without slots
	}
	for said := ""; ctx.Err() == nil; {
		if _, err := pairing.ReadBond(bondFile); err == nil {
			err = servePeer(ctx, t)
			if err != nil && ctx.Err() == nil && said != err.Error() {
				said = err.Error()
				b.log.Error("the other director can't update this one", "error", err)
			}
		}
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
		}
	}
	return nil
}

// atOnce is how many connections of the other director are answered at the same time.
const atOnce = 4

func servePeer(ctx context.Context, here update.Director) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(update.PairPort)))
	if err != nil {
		return err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	turns := make(chan struct{}, atOnce)
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		select {
		case turns <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		go func() {
			defer func() { <-turns }()
			// The bond is read each time: the directors may have been paired again.
			bond, err := pairing.ReadBond(bondFile)
			if err != nil {
				conn.Close()
				return
			}
			settings, err := bond.Answering()
			if err != nil {
				conn.Close()
				return
			}
			_ = update.Answer(ctx, tls.Server(conn, settings), here) // who asked knows
		}()
	}
}
