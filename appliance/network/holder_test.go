package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// A script is a conversation whose answers are written down: "" for silence, "nak", or an address that is leased for an hour.
type script struct {
	start   time.Time
	answers []string
	log     []string
}

func (s *script) say(what string) (*answer, error) {
	said := ""
	if len(s.answers) > 0 {
		said, s.answers = s.answers[0], s.answers[1:]
	}
	s.log = append(s.log, fmt.Sprintf("%v %s: %q", time.Since(s.start).Round(time.Minute), what, said))
	now := time.Now()
	switch said {
	case "":
		return nil, errors.New("silence")
	case "nak":
		return nil, errRefused
	}
	return &answer{Lease: Lease{Address: netip.MustParsePrefix(said), Renew: now.Add(30 * time.Minute), Expires: now.Add(time.Hour)}}, nil
}

func (s *script) Ask(context.Context) (*answer, error) { return s.say("ask") }

func (s *script) Renew(_ context.Context, _ *answer, confirm bool) (*answer, error) {
	if confirm {
		return s.say("confirm")
	}
	return s.say("renew")
}

// hold runs a holder for a time and returns the conversation, and what the holder has told.
func hold(t *testing.T, d time.Duration, former *answer, answers ...string) (log, told []string) {
	synctest.Test(t, func(t *testing.T) {
		if former != nil {
			former.Expires = time.Now().Add(20 * time.Minute)
		}
		s := &script{start: time.Now(), answers: answers}
		h := &holder{talk: s, former: former, told: func(a *answer, err error) {
			if a == nil {
				told = append(told, err.Error())
				return
			}
			told = append(told, a.Address.String())
		}}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		h.run(ctx)
		log = s.log
	})
	return log, told
}

func TestALeaseIsRenewedAtHalfOfItsTime(t *testing.T) {
	log, told := hold(t, 70*time.Minute, nil, "192.0.2.5/24", "192.0.2.5/24", "192.0.2.5/24")
	same(t, "said", []string{`0s ask: "192.0.2.5/24"`, `30m0s renew: "192.0.2.5/24"`, `1h0m0s renew: "192.0.2.5/24"`}, log)
	same(t, "told", []string{"192.0.2.5/24", "192.0.2.5/24", "192.0.2.5/24"}, told)
}

func TestALeaseEndsWhenNobodyRenewsIt(t *testing.T) {
	log, told := hold(t, 61*time.Minute, nil, "192.0.2.5/24")
	// At half of what is left, over and over, and never more often than a minute.
	same(t, "said", []string{`30m0s renew: ""`, `45m0s renew: ""`, `53m0s renew: ""`, `56m0s renew: ""`, `58m0s renew: ""`, `59m0s renew: ""`, `1h0m0s ask: ""`}, log[1:8])
	same(t, "told", []string{"192.0.2.5/24", "the lease is over, and no DHCP server answers", "silence"}, told)
}

func TestARefusalTakesTheAddressAwayAtOnce(t *testing.T) {
	_, told := hold(t, 31*time.Minute, nil, "192.0.2.5/24", "nak", "192.0.2.6/24")
	same(t, "told", []string{"192.0.2.5/24", errRefused.Error(), "192.0.2.6/24"}, told)
}

func TestAFormerLeaseIsUsedAtOnceAndAskedForAtOnce(t *testing.T) {
	former := &answer{Lease: Lease{Address: netip.MustParsePrefix("192.0.2.5/24")}}
	log, told := hold(t, time.Minute, former, "192.0.2.5/24")
	same(t, "said", []string{`0s confirm: "192.0.2.5/24"`}, log)
	same(t, "told", []string{"192.0.2.5/24", "192.0.2.5/24"}, told)
}

func TestSilenceIsToldOnceAndAskedIntoEverMoreSeldom(t *testing.T) {
	log, told := hold(t, time.Hour, nil)
	same(t, "told", []string{"silence"}, told)
	if len(log) < 40 || len(log) > 70 {
		t.Errorf("asked %d times in an hour, want about one in 64 s", len(log))
	}
}

func TestACableThatIsPluggedInAgainMeansToAskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), answers: []string{"192.0.2.5/24", "nak", "198.51.100.5/24"}}
		again := make(chan struct{}, 1)
		var last *answer
		h := &holder{talk: s, again: again, told: func(a *answer, _ error) { last = a }}
		go h.run(t.Context())
		time.Sleep(time.Minute)
		again <- struct{}{}
		time.Sleep(time.Minute)
		if last == nil || last.Address.String() != "198.51.100.5/24" {
			t.Errorf("holds %+v after %v", last, s.log)
		}
	})
}
