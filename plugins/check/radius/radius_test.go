package radius

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

const (
	secret = "testing123"
	check  = `{"secret":"testing123","user":"check","password":"knock"}`
	status = `{"secret":"testing123","status_server":true}`
)

// ask probes a target and returns the reason why it is down; "" is up. want is the reason that it should be.
func ask(t testing.TB, target sdk.Target, config, want string) string {
	t.Helper()
	return sdktest.AskFor(t, Plugin(), target, config, want)
}

// answer is that of a good server to a request, without a Message-Authenticator, changed before it is signed.
func answer(t testing.TB, request []byte, code radius.Code, change func(p *radius.Packet)) []byte {
	p, err := radius.Parse(request, []byte(secret))
	if err != nil {
		t.Errorf("the request: %v", err)
		return nil
	}
	r := p.Response(code)
	if change != nil {
		change(r)
	}
	b, err := r.Encode()
	if err != nil {
		t.Errorf("the answer: %v", err)
	}
	return b
}

// answers is a server that gives such answers.
func answers(t testing.TB, code radius.Code, change func(p *radius.Packet)) sdk.Target {
	return sdktest.Answers(t, func(request []byte) [][]byte { return [][]byte{answer(t, request, code, change)} })
}

// signed gives an answer a Message-Authenticator, the library's own way: over the packet with the request's authenticator.
func signed(p *radius.Packet) {
	p.Add(rfc2869.MessageAuthenticator_Type, make(radius.Attribute, md5.Size))
	b, _ := p.MarshalBinary()
	rfc2869.MessageAuthenticator_Set(p, digest(b, secret))
}

func TestTheRequestIsWhatAServerExpects(t *testing.T) {
	requests := make(chan []byte, 1)
	server := sdktest.Answers(t, func(request []byte) [][]byte { requests <- slices.Clone(request); return nil })
	sent := func(config string) []byte {
		ask(t, server, config, sdktest.Short.String())
		return <-requests
	}
	got := sent(check)
	p, err := radius.Parse(got, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	if p.Code != radius.CodeAccessRequest || rfc2865.UserName_GetString(p) != "check" || rfc2865.UserPassword_GetString(p) != "knock" || rfc2865.NASIdentifier_GetString(p) != "evenkeel" {
		t.Errorf("the request is %+v", p)
	}
	got = sent(status)
	if p, err = radius.Parse(got, []byte(secret)); err != nil || p.Code != radius.CodeStatusServer || rfc2865.UserName_Get(p) != nil {
		t.Errorf("the request for the status is %+v, %v", p, err)
	}
	signature := rfc2869.MessageAuthenticator_Get(p)
	rfc2869.MessageAuthenticator_Set(p, make([]byte, md5.Size))
	if b, _ := p.MarshalBinary(); !slices.Equal(signature, digest(b, secret)) {
		t.Error("its Message-Authenticator is wrong")
	}
	if p.Attributes[0].Type != rfc2869.MessageAuthenticator_Type {
		t.Error("it does not begin with the Message-Authenticator")
	}
	if again := sent(status); slices.Equal(got[authenticator:headerBytes], again[authenticator:headerBytes]) {
		t.Error("two requests have the same authenticator")
	}
}

func TestAnAnswerIsJudgedByItsCode(t *testing.T) {
	const wants = `{"secret":"testing123","user":"check","password":"wrong","replies":["reject","challenge"]}`
	accept, reject, challenge := answers(t, radius.CodeAccessAccept, signed), answers(t, radius.CodeAccessReject, nil), answers(t, radius.CodeAccessChallenge, signed)
	for _, tt := range []struct {
		server       sdk.Target
		config, want string
	}{
		{accept, check, ""},
		{reject, check, `Access-Reject for user "check"`},
		{challenge, check, `Access-Challenge for user "check"`},
		{accept, wants, `Access-Accept for user "check"`},
		{reject, wants, ""},
		{challenge, wants, ""},
		{accept, status, ""},
		{answers(t, radius.CodeAccountingResponse, nil), status, ""},
		{reject, status, "Access-Reject to Status-Server"},
	} {
		if got := ask(t, tt.server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
}

func TestWhatIsNoAnswerToTheRequestIsNotTakenForIt(t *testing.T) {
	const none = "no answer within 300ms, and what came was none: "
	strict := check[:len(check)-1] + `,"require_message_authenticator":true}`
	says := func(b ...[]byte) sdk.Target { return sdktest.Answers(t, func([]byte) [][]byte { return b }) }
	accept := func(request []byte) []byte { return answer(t, request, radius.CodeAccessAccept, nil) }
	closed := sdktest.NobodyAnswers(t)
	for _, tt := range []struct {
		name         string
		server       sdk.Target
		config, want string
	}{
		{"nothing", says(), check, "no answer within 300ms"},
		{"an empty datagram", says(nil), check, none + `not RADIUS: it begins with ""`},
		{"another protocol", says([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), check, none + `not RADIUS: it begins with "HTTP/1.1 400 Bad"`},
		{"another identifier", answers(t, radius.CodeAccessAccept, func(p *radius.Packet) { p.Identifier++ }), check, none + "the answer to another request"},
		{"another secret", answers(t, radius.CodeAccessAccept, func(p *radius.Packet) { p.Secret = []byte("x") }), check, none + "Access-Accept, not signed with the secret"},
		{"another request", answers(t, radius.CodeAccessAccept, func(p *radius.Packet) { p.Authenticator[0]++ }), check, none + "Access-Accept, not signed with the secret"},
		{"a wrong Message-Authenticator", answers(t, radius.CodeAccessAccept, func(p *radius.Packet) {
			p.Add(rfc2869.MessageAuthenticator_Type, make(radius.Attribute, md5.Size))
		}), check, none + "Access-Accept with a wrong Message-Authenticator"},
		{"no Message-Authenticator, which is wanted", answers(t, radius.CodeAccessAccept, nil), strict, none + "Access-Accept without a Message-Authenticator"},
		{"the Message-Authenticator that is wanted", answers(t, radius.CodeAccessAccept, signed), strict, ""},
		{"the request itself", sdktest.Answers(t, func(b []byte) [][]byte { return [][]byte{b} }), check, none + "Access-Request, not signed with the secret"},
		{"the answer from elsewhere", sdktest.AnswersElsewhere(t, func(b []byte) [][]byte { return [][]byte{accept(b)} }), check, "no answer within 300ms"},
		{"a closed port", closed, check, fmt.Sprintf("127.0.0.1:%d: port unreachable", closed.Port)},
		{"noise, and then the answer", sdktest.Answers(t, func(b []byte) [][]byte { return [][]byte{b, []byte("x"), accept(b)} }), check, ""},
		{"an answer with padding", sdktest.Answers(t, func(b []byte) [][]byte { return [][]byte{append(accept(b), 1, 2, 3)} }), check, ""},
	} {
		if got := ask(t, tt.server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAServerThatSendsForEverIsNotListenedToForEver(t *testing.T) {
	got := sdktest.Ask(t, Plugin(), sdktest.AnswersForEver(t, make([]byte, 4)), check, 5*time.Second)
	if want := `100 datagrams and none of them the answer: not RADIUS: it begins with "\x00\x00\x00\x00"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Any bytes at all: no panic, and nothing is taken for an answer that does not know the secret.
func FuzzRead(f *testing.F) {
	c, err := sdk.Decode[Config](json.RawMessage(check))
	if err != nil {
		f.Fatal(err)
	}
	request, err := c.request()
	if err != nil {
		f.Fatal(err)
	}
	good := [][]byte{answer(f, request, radius.CodeAccessAccept, nil), answer(f, request, radius.CodeAccessReject, signed)}
	for _, b := range good {
		f.Add(b[:len(b)-1])
		f.Add(append(b[:len(b):len(b)], 80, 18))
	}
	f.Add(request)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := c.read(b, request)
		switch {
		case err != nil && len(err.Error()) > 200:
			t.Errorf("a reason of %d bytes", len(err.Error()))
		case err == nil && !radius.IsAuthenticResponse(b[:length(b)], request, []byte(secret)):
			t.Errorf("%x is taken for an answer", b)
		}
	})
}
