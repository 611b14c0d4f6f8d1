package udp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// ask probes a target once and returns the reason why it is down; "" is up.
func ask(t testing.TB, target sdk.Target, config string) string {
	t.Helper()
	c, err := sdk.Decode[Config](json.RawMessage(config))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), target.Schedule.Timeout)
	defer cancel()
	if err := probe(ctx, target, c); err != nil {
		return err.Error()
	}
	return ""
}

// echo is a server that answers with what it is sent.
func echo(t testing.TB) sdk.Target {
	return sdktest.Answers(t, func(request []byte) [][]byte { return [][]byte{request} })
}

// hasty is a target with a time-out of a tenth of a second.
func hasty(target sdk.Target) sdk.Target {
	target.Schedule.Timeout = 100 * time.Millisecond
	return target
}

func TestAReplyIsJudgedByAllThatIsWanted(t *testing.T) {
	server := echo(t)
	for _, tt := range []struct{ config, want string }{
		{`{"payload":"status: ok\n","reply_match":"(?m)^status: ok$"}`, ""},
		{`{"payload":"status: ok","reply_match":"^status: bad"}`, `the reply "status: ok" does not match "^status: bad"`},
		{`{"payload_hex":"0a ff 1b 2c","reply_hex":"0A fF 1x XX"}`, ""},
		{`{"payload_hex":"0aff1b2c","reply_hex":"0a"}`, ""},
		{`{"payload_hex":"0aff1b2c","reply_hex":"0aff2x"}`, "the reply is 0aff1b2c, want 0aff2x"},
		{`{"payload_hex":"0aff","reply_hex":"0affxx"}`, "the reply is 0aff, want 0affxx"},
		{`{"reply_hex":"00"}`, "the reply is empty, want 00"},
		{`{"require_reply":true}`, ""}, // an empty datagram is one
		{`{"payload":"12345","min_reply_length":5,"max_reply_length":5}`, ""},
		{`{"payload":"12345","min_reply_length":6}`, "the reply has 5 bytes, want at least 6"},
		{`{"payload":"12345","max_reply_length":4}`, "the reply has more than 4 bytes"},
		{`{"payload":"` + strings.Repeat("a", 40) + `","reply_hex":"00"}`, "the reply is " + strings.Repeat("61", 32) + "..., want 00"},
		{`{"payload":"` + strings.Repeat("a", 40) + `","reply_match":"b"}`, `the reply "` + strings.Repeat("a", 32) + `..." does not match "b"`},
	} {
		if got := ask(t, server, tt.config); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
}

func TestSilenceIsUpUnlessAReplyIsWanted(t *testing.T) {
	silent := sdktest.Answers(t, func([]byte) [][]byte { return nil })
	silent.Schedule.Timeout = 2 * time.Second
	start := time.Now()
	if got := ask(t, silent, `{"payload":"x"}`); got != "" {
		t.Errorf("got %q", got)
	}
	if d := time.Since(start); d >= 2*time.Second || d < 1800*time.Millisecond {
		t.Errorf("it took %v of a time-out of 2s, want nine tenths", d)
	}
	silent = hasty(silent)
	for _, config := range []string{`{"require_reply":true}`, `{"reply_hex":"xx"}`, `{"reply_match":""}`, `{"reply_match":"a"}`, `{"min_reply_length":1}`, `{"max_reply_length":100}`} {
		want := "no answer within 100ms"
		if config == `{"reply_match":""}` { // which is none
			want = ""
		}
		if got := ask(t, silent, config); got != want {
			t.Errorf("%s: got %q, want %q", config, got, want)
		}
	}
}

func TestAnUnreachablePortIsDownAtOnceWhateverIsWanted(t *testing.T) {
	closed := sdktest.NobodyAnswers(t)
	start := time.Now()
	for _, config := range []string{`{}`, `{"payload":"x"}`, `{"require_reply":true}`} {
		if got, want := ask(t, closed, config), fmt.Sprintf("127.0.0.1:%d: port unreachable", closed.Port); got != want {
			t.Errorf("%s: got %q, want %q", config, got, want)
		}
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("it took %v", d)
	}
}

func TestAnyReplyIsAsGoodAsSilenceWhenNoneIsWanted(t *testing.T) {
	start := time.Now()
	if got := ask(t, echo(t), `{"payload":"x"}`); got != "" {
		t.Errorf("got %q", got)
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("it took %v, the time that silence takes", d)
	}
}

func TestAReplyFromSomebodyElseIsNone(t *testing.T) {
	elsewhere := hasty(sdktest.AnswersElsewhere(t, func(request []byte) [][]byte { return [][]byte{request} }))
	if got, want := ask(t, elsewhere, `{"payload":"x","reply_match":"x"}`), "no answer within 100ms"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAServerThatSendsForEverIsJudgedByItsFirstReply(t *testing.T) {
	if got := ask(t, sdktest.AnswersForEver(t, []byte("ok")), `{"reply_match":"ok"}`); got != "" {
		t.Errorf("got %q", got)
	}
	long := sdktest.AnswersForEver(t, bytes.Repeat([]byte("x"), 60000))
	if got, want := ask(t, long, `{"max_reply_length":512}`), "the reply has more than 512 bytes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever is written as a pattern and whatever comes: no panic, and a pattern is what it says of itself.
func FuzzPattern(f *testing.F) {
	f.Add("0aff1xXX", []byte{0x0a, 0xff, 0x1b, 0x00})
	f.Add("0 a", []byte{})
	f.Add("é", []byte("x"))
	f.Fuzz(func(t *testing.T, s string, reply []byte) {
		p, err := parsePattern(s)
		if err != nil {
			return
		}
		again, err := parsePattern(p.String())
		if err != nil || !bytes.Equal(p.value, again.value) || !bytes.Equal(p.mask, again.mask) {
			t.Errorf("%q says that it is %q: %v", s, p, err)
		}
		if p.begins(reply) != again.begins(reply) {
			t.Errorf("%q and %q are not the same for %x", s, p, reply)
		}
		if !p.begins(p.value) {
			t.Errorf("%q does not match itself", s)
		}
	})
}
