package ntp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// ask probes a target and returns the reason why it is down; "" is up. want is the reason that it should be.
func ask(t testing.TB, target sdk.Target, config, want string) string {
	t.Helper()
	return sdktest.AskFor(t, Plugin(), target, config, want)
}

// stamp writes a timestamp of NTP: seconds since 1900, and their fractions (RFC 5905, section 6).
func stamp(b []byte, at time.Time) {
	const since1900 = 2208988800
	binary.BigEndian.PutUint32(b, uint32(at.Unix()+since1900))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(at.Nanosecond())<<32/1e9))
}

// answer is that of a good server of stratum 2 to a request, with the time of its clock.
func answer(request []byte, now time.Time) []byte {
	b := make([]byte, packetBytes)
	b[0], b[1] = 4<<3|4, 2 // no leap second, version 4, mode server; stratum 2
	stamp(b[16:], now.Add(-time.Minute))
	copy(b[origin:], request[transmit:transmit+8])
	stamp(b[32:], now)
	stamp(b[transmit:], now)
	return b
}

// clock is a server whose good answers were changed.
func clock(t testing.TB, change func(b []byte)) sdk.Target {
	return sdktest.Answers(t, func(request []byte) [][]byte {
		b := answer(request, time.Now())
		change(b)
		return [][]byte{b}
	})
}

// wrong is a server whose clock is off by d.
func wrong(t testing.TB, d time.Duration) sdk.Target {
	return sdktest.Answers(t, func(request []byte) [][]byte { return [][]byte{answer(request, time.Now().Add(d))} })
}

func TestAnAnswerIsJudgedByAllThatIsWanted(t *testing.T) {
	good := clock(t, func([]byte) {})
	kiss := func(code string) sdk.Target {
		return clock(t, func(b []byte) { b[0], b[1] = b[0]|3<<6, 0; copy(b[12:], code) })
	}
	for _, tt := range []struct {
		name         string
		server       sdk.Target
		config, want string
	}{
		{"good", good, `{}`, ""},
		{"good enough", good, `{"max_stratum":2,"max_offset":"100ms"}`, ""},
		{"too far from a reference clock", good, `{"max_stratum":1}`, "the server's clock is of stratum 2, want at most 1"},
		{"a leap second to come", clock(t, func(b []byte) { b[0] |= 1 << 6 }), `{}`, ""},
		{"leap 3", clock(t, func(b []byte) { b[0] |= 3 << 6 }), `{}`, "the server's clock is not synchronised"},
		{"stratum 0", clock(t, func(b []byte) { b[1] = 0 }), `{}`, "the server's clock is not synchronised"},
		{"stratum 15", clock(t, func(b []byte) { b[1] = 15 }), `{}`, ""},
		{"stratum 16", clock(t, func(b []byte) { b[1] = 16 }), `{}`, "the server's clock is not synchronised"},
		{"too many questions", kiss("RATE"), `{}`, "the server refuses to answer: kiss of death RATE"},
		{"a server that has just started", kiss("INIT"), `{}`, "the server's clock is not synchronised"},
		{"root dispersion", clock(t, func(b []byte) { b[8] = 1 }), `{}`, "the server's clock is not to be trusted: invalid dispersion in response"},
		{"set long ago", clock(t, func(b []byte) { stamp(b[16:], time.Now().Add(-48*time.Hour)) }), `{}`, "the server's clock is not to be trusted: server clock not fresh"},
		{"a client's answer", clock(t, func(b []byte) { b[0] = 4<<3 | 3 }), `{}`, "a broken answer: invalid mode in response"},
		{"no time", clock(t, func(b []byte) { clear(b[transmit:]) }), `{}`, "a broken answer: invalid transmit time in response"},
		{"sent before it was asked", clock(t, func(b []byte) { b[32]++ }), `{}`, "a broken answer: server clock ticked backwards"},
		{"another time, which nobody wants to know", wrong(t, time.Hour), `{}`, ""},
		{"a little ahead", wrong(t, 300*time.Millisecond), `{"max_offset":"1s"}`, ""},
		{"far ahead", wrong(t, 3*time.Second), `{"max_offset":"1s"}`, "the server's clock is 3s ahead of this machine's, want at most 1s"},
		{"far behind", wrong(t, -3*time.Second), `{"max_offset":"1s"}`, "the server's clock is 3s behind this machine's, want at most 1s"},
	} {
		if got := rounded(ask(t, tt.server, tt.config, tt.want)); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// rounded makes whole seconds of the first offset in a reason, which is one of a clock that goes on meanwhile.
func rounded(reason string) string {
	const before = "the server's clock is "
	var offset, rest string
	if n, _ := fmt.Sscanf(reason, before+"%s %s", &offset, &rest); n != 2 || rest == "of" {
		return reason
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		return reason
	}
	return before + d.Round(time.Second).String() + reason[len(before)+len(offset):]
}

func TestWhatIsNoAnswerToTheRequestIsNotTakenForIt(t *testing.T) {
	const none = "no answer within 300ms, and what came was none: "
	const other = none + "not NTP, or the answer to another question: its origin timestamp is wrong"
	closed := sdktest.NobodyAnswers(t)
	for _, tt := range []struct {
		name   string
		server sdk.Target
		want   string
	}{
		{"nothing", sdktest.Answers(t, func([]byte) [][]byte { return nil }), "no answer within 300ms"},
		{"an empty datagram", sdktest.Answers(t, func([]byte) [][]byte { return [][]byte{{}} }), none + "not NTP: 0 bytes, want 48"},
		{"another protocol", sdktest.Answers(t, func([]byte) [][]byte { return [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")} }), none + "not NTP: 28 bytes, want 48"},
		{"garbage", sdktest.Answers(t, func([]byte) [][]byte { return [][]byte{make([]byte, 100)} }), other},
		{"the request itself", sdktest.Answers(t, func(b []byte) [][]byte { return [][]byte{b} }), other},
		{"the answer to another request", clock(t, func(b []byte) { b[origin]++ }), other},
		{"the answer from elsewhere", sdktest.AnswersElsewhere(t, func(b []byte) [][]byte { return [][]byte{answer(b, time.Now())} }), "no answer within 300ms"},
		{"a closed port", closed, fmt.Sprintf("127.0.0.1:%d: port unreachable", closed.Port)},
		{"noise, and then the answer", sdktest.Answers(t, func(b []byte) [][]byte { return [][]byte{[]byte("x"), b, answer(b, time.Now())} }), ""},
	} {
		if got := ask(t, tt.server, `{}`, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAServerThatSendsForEverIsNotListenedToForEver(t *testing.T) {
	got := sdktest.Ask(t, Plugin(), sdktest.AnswersForEver(t, make([]byte, 24)), `{}`, 5*time.Second)
	if want := "100 datagrams and none of them the answer: not NTP: 24 bytes, want 48"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Any bytes at all: no panic, and a short reason.
func FuzzAnswer(f *testing.F) {
	f.Add(answer(make([]byte, packetBytes), time.Unix(1.8e9, 0)))
	f.Add(make([]byte, packetBytes))
	var said atomic.Pointer[[]byte]
	server := sdktest.Answers(f, func(request []byte) [][]byte {
		b := *said.Load()
		copy(b[origin:], request[transmit:transmit+8]) // with it the rest gets to the library
		return [][]byte{b}
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(slices.Clone(b), make([]byte, max(0, packetBytes-len(b)))...)
		said.Store(&b)
		if got := ask(t, server, `{"max_offset":"1s"}`, ""); len(got) > 200 {
			t.Errorf("a reason of %d bytes: %s", len(got), got)
		}
	})
}
