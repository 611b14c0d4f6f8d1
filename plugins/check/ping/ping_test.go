package ping

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// at is a target with a time-out of a second.
func at(address string) sdk.Target {
	return sdk.Target{Address: netip.MustParseAddr(address), Schedule: sdk.Schedule{Timeout: time.Second}}
}

func TestAReplyIsUp(t *testing.T) {
	p, _ := newPinger(t, replies)
	for _, address := range []string{"192.0.2.1", "2001:db8::1", "fe80::1%eth0"} {
		if got := ask(t, p, at(address), `{}`); got != "" {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestSilenceIsDownAtTheTimeout(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{`{}`, "no echo reply within 1s"},
		{`{"count":3}`, "no reply to 3 echo requests within 1s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, _ := newPinger(t, nothing)
			start := time.Now()
			if got := ask(t, p, at("192.0.2.1"), tt.config); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
			}
			if d := time.Since(start); d != time.Second {
				t.Errorf("%s: it took %v", tt.config, d)
			}
		})
	}
}

func TestOnlyTheReplyToWhatWasSentCounts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(m *message, e *icmp.Echo)
	}{
		{"another identifier", func(_ *message, e *icmp.Echo) { e.ID++ }},
		{"another sequence number", func(_ *message, e *icmp.Echo) { e.Seq++ }},
		{"another nonce", func(_ *message, e *icmp.Echo) { e.Data[0]++ }},
		{"other data", func(_ *message, e *icmp.Echo) { e.Data[len(e.Data)-1]++ }},
		{"less data", func(_ *message, e *icmp.Echo) { e.Data = e.Data[:len(e.Data)-1] }},
		{"more data", func(_ *message, e *icmp.Echo) { e.Data = append(e.Data, 0) }},
		{"no data", func(_ *message, e *icmp.Echo) { e.Data = nil }},
		{"another sender", func(m *message, _ *icmp.Echo) { m.address = netip.MustParseAddr("192.0.2.2") }},
		{"the request itself", func(m *message, _ *icmp.Echo) { m.Type = ipv4Family.request() }},
		{"another type of message", func(m *message, _ *icmp.Echo) {
			m.Type, m.Body = ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: make([]byte, 28)}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := newPinger(t, func(m message) []message { return []message{m.reply(tt.change)} })
				if got, want := ask(t, p, at("192.0.2.1"), `{}`), "no echo reply within 1s"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

func TestAForeignReplyBeforeTheTrueOneHurtsNobody(t *testing.T) {
	p, _ := newPinger(t, func(m message) []message {
		foreign := m.reply(func(_ *message, e *icmp.Echo) { e.Data[3]++ })
		return []message{foreign, foreign, m.reply(nil), m.reply(nil)}
	})
	if got := ask(t, p, at("192.0.2.1"), `{}`); got != "" {
		t.Error(got)
	}
}

func TestSeveralRequestsAreSpreadOverTheTimeoutAndOneReplyIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var sent []time.Duration
		p, _ := newPinger(t, func(m message) []message {
			if sent = append(sent, time.Since(start)); len(sent) < 3 {
				return nil
			}
			return []message{m.reply(nil)}
		})
		if got := ask(t, p, at("192.0.2.1"), `{"count":5}`); got != "" {
			t.Error(got)
		}
		if want := []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond}; !slices.Equal(sent, want) {
			t.Errorf("they were sent after %v, want %v", sent, want)
		}
	})
}

func TestALateReplyToAnEarlierRequestOfTheProbeCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first *message
		p, _ := newPinger(t, func(m message) []message {
			if first == nil {
				first = &m
				return nil
			}
			return []message{first.reply(nil)}
		})
		if got := ask(t, p, at("192.0.2.1"), `{"count":2}`); got != "" {
			t.Error(got)
		}
	})
}

func TestALateReplyToAnEarlierProbeCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late []message
		p, _ := newPinger(t, func(m message) []message {
			before := late
			late = []message{m.reply(nil)}
			return before
		})
		for range 3 {
			if got := ask(t, p, at("192.0.2.1"), `{}`); got == "" {
				t.Error("up by the reply to the probe before")
			}
		}
	})
}

func TestARequestIsWhatTheConfigurationSays(t *testing.T) {
	p, w := newPinger(t, replies)
	ask(t, p, at("192.0.2.1"), `{}`)
	ask(t, p, at("192.0.2.1"), `{"size":1400,"ttl":3}`)
	for i, want := range []struct{ size, ttl int }{{56, 64}, {1400, 3}} {
		m := w.sent[i]
		if m.ttl != want.ttl || len(m.echo().Data) != want.size || m.echo().ID != wireID || m.Type != ipv4Family.request() || m.address != at("192.0.2.1").Address {
			t.Errorf("request %d was %+v", i, m)
		}
	}
	if a, b := w.sent[0].echo(), w.sent[1].echo(); a.Seq == b.Seq || slices.Equal(a.Data[:nonceBytes], b.Data[:nonceBytes]) {
		t.Error("two requests are the same")
	}
}

func TestThousandsShareTheSocketAndEachGetsItsOwnReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPinger(t, func(m message) []message {
			if m.address.As4()[3]%2 == 0 {
				return nil
			}
			return []message{m.reply(nil)}
		})
		var wg sync.WaitGroup
		for i := range 2000 {
			wg.Go(func() {
				target := at(fmt.Sprintf("10.0.%d.%d", i>>8, i&0xff))
				target.Schedule.Timeout = 3 * time.Second
				if got := ask(t, p, target, `{}`); (got == "") != (i%2 == 1) {
					t.Errorf("%s: %q", target.Address, got)
				}
			})
		}
		wg.Wait()
		for _, e := range p.echoes {
			if n := len(e.waiting); n > 0 {
				t.Errorf("%d requests are not forgotten", n)
			}
		}
	})
}

func TestNoSequenceNumberIsGivenTwice(t *testing.T) {
	p, _ := newPinger(t, nothing)
	r := p.echoes[0].request(netip.MustParseAddr("192.0.2.1"), nonceBytes)
	for i := range 1 << 16 {
		if _, err := p.echoes[0].enter(r); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
	}
	if _, err := p.echoes[0].enter(r); err == nil {
		t.Error("one more is given")
	}
	r.end()
	if _, err := p.echoes[0].enter(r); err != nil {
		t.Errorf("after the end of all: %v", err)
	}
}

// A refusing socket can't send.
type refusing struct{ *wire }

func (refusing) WriteTo([]byte, netip.Addr, int) error {
	return fmt.Errorf("write: %w", syscall.ENETUNREACH)
}

func TestWhatCannotBeSentIsDownInTheSystemsWords(t *testing.T) {
	p, err := open(func(f family, _ sdk.Egress) (conn, error) { return refusing{newWire(f, nothing)}, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, want := ask(t, p, at("192.0.2.1"), `{}`), "sending an echo request to 192.0.2.1: network is unreachable"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ask(t, p, sdk.Target{Schedule: sdk.Schedule{Timeout: time.Second}}, `{}`); got != "there is no address to send to" {
		t.Errorf("got %q", got)
	}
}

func TestAMachineWithoutIPv6StillHasIPv4(t *testing.T) {
	p, err := open(func(f family, _ sdk.Egress) (conn, error) {
		if f == ipv6Family {
			return nil, fmt.Errorf("opening: %w", syscall.EAFNOSUPPORT)
		}
		return newWire(f, replies), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := ask(t, p, at("192.0.2.1"), `{}`); got != "" {
		t.Error(got)
	}
	if got, want := ask(t, p, at("2001:db8::1"), `{}`), "this machine has no IPv6: opening: address family not supported by protocol"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWithoutThePrivilegeThereIsNoPlugin(t *testing.T) {
	var opened *wire
	_, err := open(func(f family, _ sdk.Egress) (conn, error) {
		if f == ipv6Family {
			return nil, syscall.EPERM
		}
		opened = newWire(f, replies)
		return opened, nil
	})
	if !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v", err)
	}
	select {
	case <-opened.closed:
	default:
		t.Error("the other socket stays open")
	}
}

func TestAProbeEndsWithItsContext(t *testing.T) {
	p, _ := newPinger(t, nothing)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := p.Probe(ctx, at("192.0.2.1"), Config{Count: 1, Size: 16, TTL: 64}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Any bytes from anybody: no panic, and no reply to a request whose nonce they do not know.
func FuzzMessage(f *testing.F) {
	reply := icmp.Message{Type: ipv4Family.reply(), Body: &icmp.Echo{ID: wireID, Seq: 1, Data: make([]byte, 16)}}
	b, err := reply.Marshal(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Add([]byte{129, 0, 0, 0, 0x12, 0x67, 0, 1})
	p, _ := newPinger(f, nothing)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range p.echoes {
			to := netip.MustParseAddr("192.0.2.1")
			r := e.request(to, nonceBytes)
			for range 3 {
				e.enter(r)
			}
			e.take(b, to)
			select {
			case <-r.replied:
				t.Errorf("%x is taken for a reply", b)
			default:
			}
			r.end()
		}
	})
}
