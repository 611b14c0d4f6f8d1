package network

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Between two tries to get a lease: RFC 2131 section 4.1 lets the pause grow to 64 s. While a lease runs, tries come at half
// of what is left, but not more often than a minute.
const (
	firstPause = 2 * time.Second
	lastPause  = 64 * time.Second
	renewPause = time.Minute
)

// A holder holds the lease of one interface.
type holder struct {
	talk   conversation
	former *answer         // of an earlier process; nil: none
	again  <-chan struct{} // the cable was plugged in again: it may be another network
	// told is called when the lease, or the reason that there is none, has changed. A nil answer: the address must go.
	told func(*answer, error)
}

// run is the client's life (RFC 2131 figure 5), until ctx ends. What is held then is kept: the address stays in use.
func (h *holder) run(ctx context.Context) {
	held := h.former
	if held != nil && !time.Now().Before(held.Expires) {
		held = nil
	}
	due := time.Duration(0) // a former lease is renewed at once: who knows what network this is
	pause := firstPause
	var reason error
	confirm := true
	if held != nil {
		h.told(held, nil)
	}
	for {
		plugged, ok := sleep(ctx, due, h.again)
		if !ok {
			return
		}
		confirm = confirm || plugged
		if held != nil && !time.Now().Before(held.Expires) {
			held = nil
			h.told(nil, errors.New("the lease is over, and no DHCP server answers"))
		}
		var a *answer
		var err error
		if held != nil {
			a, err = h.talk.Renew(ctx, held, confirm)
		} else {
			a, err = h.talk.Ask(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			held, reason, pause, confirm = a, nil, firstPause, false
			h.told(held, nil)
			due = time.Until(held.Renew)
		case errors.Is(err, errRefused):
			held, due = nil, firstPause
			h.told(nil, err)
		case held != nil:
			due = min(max(time.Until(held.Expires)/2, renewPause), time.Until(held.Expires))
		default:
			if reason == nil || reason.Error() != err.Error() {
				reason = err
				h.told(nil, err)
			}
			due = pause + rand.N(pause/4) // many boxes start at once when the power is back
			pause = min(pause*2, lastPause)
		}
	}
}

// sleep waits for a time to pass, or for again. ok is false when ctx has ended.
func sleep(ctx context.Context, d time.Duration, again <-chan struct{}) (was, ok bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-again:
		was = true
	}
	return was, ctx.Err() == nil
}
