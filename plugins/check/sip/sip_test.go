package sip

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
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

// echoed are the headers of a request that an answer repeats.
var echoed = regexp.MustCompile(`(?m)^(Via|From|To|Call-ID|CSeq): .*\r\n`)

// answerTo is an answer to a request, with a status and more headers.
func answerTo(request, status string, headers ...string) string {
	return version + " " + status + "\r\n" + strings.Join(echoed.FindAllString(request, -1), "") + strings.Join(append(headers, "", ""), "\r\n")
}

// says is a server by UDP that gives answers with such a status, one after the other.
func says(t testing.TB, statuses ...string) sdk.Target {
	return changed(t, func(request string) []string {
		var all []string
		for _, s := range statuses {
			all = append(all, answerTo(request, s))
		}
		return all
	})
}

// changed is a server by UDP that answers what f makes of a request.
func changed(t testing.TB, f func(request string) []string) sdk.Target {
	return sdktest.Answers(t, func(request []byte) (all [][]byte) {
		for _, s := range f(string(request)) {
			all = append(all, []byte(s))
		}
		return all
	})
}

// saysTCP is a server by TCP that sends what f makes of a request.
func saysTCP(t *testing.T, f func(request string) string) sdk.Target {
	return sdktest.TargetAt(sdktest.Accept(t, func(c *net.TCPConn) {
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		io.WriteString(c, f(string(b[:n])))
		io.Copy(io.Discard, c)
	}))
}

func TestAnAnswerIsJudgedByItsStatus(t *testing.T) {
	for _, tt := range []struct {
		server       sdk.Target
		config, want string
	}{
		{says(t, "200 OK"), `{}`, ""},
		{says(t, "200"), `{}`, ""},
		{says(t, "100 Trying", "180 Ringing", "200 OK"), `{}`, ""},
		{says(t, "503 Service Unavailable"), `{}`, "SIP 503 Service Unavailable, want 200-299"},
		{says(t, "404 Not Found"), `{"status":["200-299","404"]}`, ""},
		{says(t, "200 OK"), `{"status":["404","405"]}`, "SIP 200 OK, want 404, 405"},
		{says(t, "500 "+strings.Repeat("x", 200)), `{}`, "SIP 500 " + strings.Repeat("x", 100) + "..., want 200-299"},
		{says(t, "100 Trying"), `{}`, "no answer within 300ms, and what came was none: SIP 100 Trying, which is not final"},
	} {
		if got := ask(t, tt.server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
}

func TestTheSameByTCP(t *testing.T) {
	const config = `{"protocol":"tcp"}`
	for _, tt := range []struct {
		name   string
		answer func(request string) string
		want   string
	}{
		{"good", func(r string) string { return answerTo(r, "200 OK") }, ""},
		{"good, after lines that are empty", func(r string) string { return "\r\n\r\n" + answerTo(r, "200 OK") }, ""},
		{"good, after one that is not final", func(r string) string { return answerTo(r, "100 Trying") + answerTo(r, "200 OK") }, ""},
		{"good, with a body", func(r string) string { return answerTo(r, "200 OK", "Content-Length: 4") + "v=0\n" }, ""},
		{"bad", func(r string) string { return answerTo(r, "503 Service Unavailable") }, "SIP 503 Service Unavailable, want 200-299"},
		{"not final, with a body", func(r string) string { return answerTo(r, "183 Session Progress", "Content-Length: 4") + "v=0\n" }, "SIP 183 Session Progress, with a body of 4 bytes"},
		{"not final", func(r string) string { return answerTo(r, "100 Trying") }, "timeout after 300ms waiting for the answer"},
		{"half a head", func(r string) string { return strings.TrimSuffix(answerTo(r, "200 OK"), "\r\n\r\n") }, `timeout after 300ms waiting for the answer, of which came "CSeq: 1 OPTIONS"`},
		{"the request", func(r string) string { return r }, "a request, not an answer"},
		{"HTTP", func(string) string { return "HTTP/1.1 400 Bad Request\r\n\r\n" }, `not SIP: the answer begins with "HTTP/1.1 400 Bad Request"`},
		{"a header that is none", func(r string) string { return answerTo(r, "200 OK", "hello") }, `not SIP: malformed MIME header: missing colon: "hello"`},
		{"a length that is none", func(r string) string { return answerTo(r, "200 OK", "Content-Length: -1") }, `not SIP: Content-Length is "-1"`},
	} {
		if got := ask(t, saysTCP(t, tt.answer), config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
	closed := sdktest.TargetAt(sdktest.Unused(t, 1)[0])
	if got, want := ask(t, closed, config, ""), fmt.Sprintf("connect 127.0.0.1:%d: connection refused", closed.Port); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatIsNoAnswerToTheRequestIsNotTakenForIt(t *testing.T) {
	const none = "no answer within 300ms, and what came was none: "
	const other = none + "the answer to another request"
	replaced := func(old, new string) sdk.Target {
		return changed(t, func(r string) []string { return []string{strings.Replace(answerTo(r, "200 OK"), old, new, 1)} })
	}
	closed := sdktest.NobodyAnswers(t)
	for _, tt := range []struct {
		name   string
		server sdk.Target
		want   string
	}{
		{"nothing", says(t), "no answer within 300ms"},
		{"an empty datagram", changed(t, func(string) []string { return []string{""} }), none + "not SIP: the answer begins with an empty line"},
		{"garbage", changed(t, func(string) []string { return []string{"\x00\xff\x1b[2J"} }), none + `not SIP: the answer begins with "\x00\xff\x1b[2J"`},
		{"the request itself", changed(t, func(r string) []string { return []string{r} }), none + "a request, not an answer"},
		{"another branch", replaced("branch=z9hG4bK", "branch=z9hG4bKx"), other},
		{"no branch", replaced("branch=z9hG4bK", "x="), other},
		{"no Via", replaced("Via", "Viaduct"), other},
		{"another method", replaced("1 OPTIONS", "1 INVITE"), other},
		{"status 99", says(t, "099 No"), none + `not SIP: the answer begins with "SIP/2.0 099 No"`},
		{"status 700", says(t, "700 No"), none + `not SIP: the answer begins with "SIP/2.0 700 No"`},
		{"SIP/3.0", replaced("SIP/2.0 ", "SIP/3.0 "), none + `not SIP: the answer begins with "SIP/3.0 200 OK"`},
		{"the answer from elsewhere", sdktest.AnswersElsewhere(t, func(r []byte) [][]byte { return [][]byte{[]byte(answerTo(string(r), "200 OK"))} }), "no answer within 300ms"},
		{"a closed port", closed, fmt.Sprintf("127.0.0.1:%d: port unreachable", closed.Port)},
		{"compact headers", changed(t, func(r string) []string {
			return []string{strings.NewReplacer("Via:", "v:", "Call-ID:", "i:").Replace(answerTo(r, "200 OK", "l: 0"))}
		}), ""},
		{"a folded header, and one Via more", changed(t, func(r string) []string {
			return []string{strings.Replace(answerTo(r, "200 OK"), ";branch", "\r\n ;received=1.2.3.4 ; BRANCH", 1) + "Via: SIP/2.0/UDP a;branch=b"}
		}), ""},
	} {
		if got := ask(t, tt.server, `{}`, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAServerThatSendsForEverIsNotListenedToForEver(t *testing.T) {
	got := sdktest.Ask(t, Plugin(), sdktest.AnswersForEver(t, []byte("x")), `{}`, 5*time.Second)
	if want := `100 datagrams and none of them the answer: not SIP: the answer begins with "x"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheRequestIsWhatAServerExpects(t *testing.T) {
	local, target := netip.MustParseAddrPort("[2001:db8::1%eth0]:40000"), sdk.Target{Address: netip.MustParseAddr("2001:db8::2"), Port: 5060}
	r := newRequest(&Config{}, target, "UDP", local)
	got := string(r.bytes())
	for _, want := range []string{
		"OPTIONS sip:[2001:db8::2]:5060 SIP/2.0\r\n", "Via: SIP/2.0/UDP [2001:db8::1]:40000;rport;branch=z9hG4bK" + r.id + "\r\n", "Max-Forwards: 70\r\n",
		"From: <sip:evenkeel@[2001:db8::1]>;tag=" + r.id + "\r\n", "To: <sip:[2001:db8::2]:5060>\r\n", "Call-ID: " + r.id + "\r\n",
		"CSeq: 1 OPTIONS\r\n", "Contact: <sip:evenkeel@[2001:db8::1]:40000;transport=udp>\r\n", "Content-Length: 0\r\n\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	r = newRequest(&Config{URI: "sip:check@example.com", From: "sip:lb1@example.com"}, target, "TLS", local)
	got = string(r.bytes())
	for _, want := range []string{"OPTIONS sip:check@example.com SIP/2.0\r\n", "Via: SIP/2.0/TLS ", "From: <sip:lb1@example.com>", "To: <sip:check@example.com>"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if again := newRequest(&Config{}, target, "UDP", local); again.id == r.id {
		t.Error("two requests have the same id")
	}
}

// Any text at all: no panic, and a short reason.
func FuzzParse(f *testing.F) {
	r := newRequest(&Config{}, sdk.Target{Address: netip.MustParseAddr("192.0.2.1"), Port: 5060}, "UDP", netip.MustParseAddrPort("192.0.2.2:5060"))
	f.Add(strings.TrimSuffix(answerTo(string(r.bytes()), "200 OK", "l: 3"), "\r\n\r\n"))
	f.Add(string(r.bytes()))
	f.Add("SIP/2.0 200\r\nVia: a;branch=\r\n x,")
	f.Fuzz(func(t *testing.T, head string) {
		a, err := parse(head)
		if err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("a reason of %d bytes", len(err.Error()))
			}
			return
		}
		if a.status < 100 || a.status > 699 || a.length < 0 || len(a.String()) > 200 {
			t.Errorf("%q is %+v", head, a)
		}
	})
}
