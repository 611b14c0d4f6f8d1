package dns

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// ask probes a target and returns the reason why it is down; "" is up. want is the reason that it should be.
func ask(t testing.TB, target sdk.Target, config, want string) string {
	t.Helper()
	return sdktest.AskFor(t, Plugin(), target, config, want)
}

// reply is the answer to a packed question, with the change.
func reply(t testing.TB, question []byte, change func(m *dns.Msg)) []byte {
	q, m := new(dns.Msg), new(dns.Msg)
	if err := q.Unpack(question); err != nil {
		t.Errorf("the question: %v", err)
		return nil
	}
	change(m.SetReply(q))
	b, err := m.Pack()
	if err != nil {
		t.Errorf("the answer: %v", err)
	}
	return b
}

// answers is a server by UDP whose answers are made by change.
func answers(t testing.TB, change func(m *dns.Msg)) sdk.Target {
	return sdktest.Answers(t, func(b []byte) [][]byte { return [][]byte{reply(t, b, change)} })
}

// answersTCP is a server by TCP whose answers are made by change.
func answersTCP(t *testing.T, change func(m *dns.Msg)) sdk.Target {
	return sdktest.TargetAt(sdktest.Accept(t, func(c *net.TCPConn) {
		framed := &dns.Conn{Conn: c}
		q, err := framed.ReadMsgHeader(nil)
		if err != nil {
			t.Errorf("the question: %v", err)
			return
		}
		framed.Write(reply(t, q, change))
		io.Copy(io.Discard, c)
	}))
}

// add adds records to an answer.
func add(m *dns.Msg, records ...string) {
	for _, r := range records {
		rr, err := dns.NewRR(r)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
}

func TestAnAnswerIsJudgedByAllThatIsWanted(t *testing.T) {
	www := answers(t, func(m *dns.Msg) {
		add(m, "www.example.com. 60 IN CNAME web.example.com.", "web.example.com. 60 IN A 192.0.2.1", "web.example.com. 60 IN A 192.0.2.2")
	})
	mail := answers(t, func(m *dns.Msg) {
		add(m, "example.com. 60 IN MX 10 Mail.example.com.", "example.com. 60 IN MX 20 b.example.com.")
	})
	text := answers(t, func(m *dns.Msg) { add(m, `example.com. 60 IN TXT "v=spf1 -all" "x"`) })
	code := func(code int) sdk.Target { return answers(t, func(m *dns.Msg) { m.Rcode = code }) }
	for _, tt := range []struct {
		server       sdk.Target
		config, want string
	}{
		{www, `{"name":"www.example.com","type":"A"}`, ""},
		{www, `{"name":"WWW.Example.com.","type":"a"}`, ""},
		{www, `{"name":"www.example.com","type":"A","min_answers":2}`, ""},
		{www, `{"name":"www.example.com","type":"A","min_answers":3}`, "2 records for www.example.com A, want at least 3"},
		{www, `{"name":"www.example.com","type":"A","answers":["192.0.2.2","192.0.2.1"]}`, ""},
		{www, `{"name":"www.example.com","type":"A","answers":["192.0.2.2","192.0.2.3"]}`, "www.example.com A is not 192.0.2.3 but 192.0.2.1, 192.0.2.2"},
		{www, `{"name":"www.example.com","type":"A","answer_match":"^192\\.0\\.2\\.2$"}`, ""},
		{www, `{"name":"www.example.com","type":"A","answer_match":"^10\\."}`, `www.example.com A does not match "^10\\.", it is 192.0.2.1, 192.0.2.2`},
		{www, `{"name":"www.example.com","type":"AAAA"}`, "no records for www.example.com AAAA"},
		{www, `{"name":"www.example.com","type":"AAAA","min_answers":0}`, ""},
		{www, `{"name":"www.example.com","type":"AAAA","min_answers":0,"answers":["::1"]}`, "www.example.com AAAA is not ::1 but nothing"},
		{www, `{"name":"www.example.com","type":"ANY","min_answers":3}`, ""},
		{mail, `{"name":"example.com","type":"MX","answers":["10 mail.example.com."]}`, ""},
		{mail, `{"name":"example.com","type":"MX","answers":["20 mail.example.com."]}`, "example.com MX is not 20 mail.example.com. but 10 Mail.example.com., 20 b.example.com."},
		{text, `{"name":"example.com","type":"TXT","answer_match":"v=spf1"}`, ""},
		{text, `{"name":"example.com","type":"TXT","answers":["\"v=spf1 -all\" x"]}`, ""},
		{code(dns.RcodeServerFailure), `{"name":"example.com.","type":"A"}`, "SERVFAIL for example.com A"},
		{code(dns.RcodeRefused), `{}`, "REFUSED for . SOA"},
		{code(dns.RcodeNameError), `{"name":"nothing.example.com","rcode":["NXDOMAIN"]}`, ""},
		{code(dns.RcodeNameError), `{"rcode":["NOERROR","REFUSED"]}`, "NXDOMAIN for . SOA, want NOERROR or REFUSED"},
		{code(13), `{}`, "RCODE13 for . SOA"},
	} {
		if got := ask(t, tt.server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
}

func TestTheQuestionIsTheConfigurations(t *testing.T) {
	asked := make(chan *dns.Msg, 1)
	server := answers(t, func(m *dns.Msg) { asked <- m.Copy() })
	for _, tt := range []struct {
		config    string
		question  dns.Question
		recursion bool
	}{
		{`{}`, dns.Question{Name: ".", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}, true},
		{`{"name":"a.example.com","type":"TYPE65","recursion":false}`, dns.Question{Name: "a.example.com.", Qtype: dns.TypeHTTPS, Qclass: dns.ClassINET}, false},
	} {
		ask(t, server, tt.config, "")
		got := <-asked
		if len(got.Question) != 1 || got.Question[0] != tt.question || got.RecursionDesired != tt.recursion {
			t.Errorf("%s: the question is %v", tt.config, got)
		}
	}
}

func TestATruncatedAnswerIsAskedForAgainByTCP(t *testing.T) {
	truncated := func(m *dns.Msg) { m.Truncated = true; add(m, "big.example.com. 0 IN A 192.0.2.1") }
	whole := func(m *dns.Msg) {
		add(m, "big.example.com. 0 IN A 192.0.2.1", "big.example.com. 0 IN A 192.0.2.2")
	}
	tcp := answersTCP(t, whole)
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: tcp.Address.AsSlice(), Port: int(tcp.Port)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		for b := make([]byte, 512); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(reply(t, b[:n], truncated), from)
		}
	}()
	const config = `"name":"big.example.com","type":"A","min_answers":2`
	if got := ask(t, tcp, `{`+config+`}`, ""); got != "" {
		t.Errorf("got %q", got)
	}
	if got, want := ask(t, tcp, `{`+config+`,"tcp_fallback":false}`, ""), "1 records for big.example.com A, want at least 2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	onlyUDP := answers(t, truncated)
	if got, want := ask(t, onlyUDP, `{`+config+`}`, ""), fmt.Sprintf("connect 127.0.0.1:%d: connection refused", onlyUDP.Port); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ask(t, tcp, `{`+config+`,"protocol":"tcp"}`, ""); got != "" {
		t.Errorf("by TCP alone: %q", got)
	}
}

func TestWhatIsNoAnswerToTheQuestionIsNotTakenForIt(t *testing.T) {
	ok := func(m *dns.Msg) { add(m, ". 0 IN SOA a. b. 1 2 3 4 5") }
	changed := func(change func(m *dns.Msg)) func(b []byte) [][]byte {
		return func(b []byte) [][]byte { return [][]byte{reply(t, b, func(m *dns.Msg) { ok(m); change(m) })} }
	}
	const none = "no answer within 300ms, and what came was none: "
	for _, tt := range []struct {
		name   string
		answer func(b []byte) [][]byte
		want   string
	}{
		{"nothing", func([]byte) [][]byte { return nil }, "no answer within 300ms"},
		{"an empty datagram", func([]byte) [][]byte { return [][]byte{{}} }, none + `not DNS: it begins with ""`},
		{"another protocol", func([]byte) [][]byte { return [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")} }, none + `not DNS: it begins with "HTTP/1.1 400"`},
		{"the question itself", func(b []byte) [][]byte { return [][]byte{b} }, none + "not an answer"},
		{"a wrong ID", changed(func(m *dns.Msg) { m.Id++ }), none + "the answer to another question: its ID is wrong"},
		{"another name", changed(func(m *dns.Msg) { m.Question[0].Name = "a." }), none + "the answer to another question"},
		{"another type", changed(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }), none + "the answer to another question"},
		{"another class", changed(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), none + "the answer to another question"},
		{"no question", changed(func(m *dns.Msg) { m.Question = nil }), none + "the answer to another question"},
		{"a status", changed(func(m *dns.Msg) { m.Opcode = dns.OpcodeStatus }), none + "not an answer"},
		{"half an answer", func(b []byte) [][]byte { b = reply(t, b, ok); return [][]byte{b[:len(b)-5]} }, none + "a broken answer: "},
		{"a refusal without the question", changed(func(m *dns.Msg) { m.Question, m.Answer, m.Rcode = nil, nil, dns.RcodeFormatError }), "FORMERR for . SOA"},
		{"a wrong answer and then the right one", func(b []byte) [][]byte {
			return [][]byte{reply(t, b, func(m *dns.Msg) { m.Id++; m.Rcode = dns.RcodeServerFailure }), []byte("x"), reply(t, b, ok)}
		}, ""},
	} {
		got := ask(t, sdktest.Answers(t, tt.answer), `{}`, tt.want)
		if got != tt.want && !(strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(got, tt.want) && len(got) > len(tt.want)) {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
	if got, want := ask(t, sdktest.AnswersElsewhere(t, changed(func(*dns.Msg) {})), `{}`, sdktest.Short.String()), "no answer within 300ms"; got != want {
		t.Errorf("an answer from elsewhere: got %q, want %q", got, want)
	}
	if got, want := ask(t, sdktest.AnswersForEver(t, []byte("x")), `{}`, ""), `100 datagrams and none of them the answer: not DNS: it begins with "x"`; got != want {
		t.Errorf("for ever: got %q, want %q", got, want)
	}
}

func TestByTCPAServerMayDoAnything(t *testing.T) {
	const config = `{"protocol":"tcp"}`
	for _, tt := range []struct {
		name   string
		server net.Addr
		want   string
	}{
		{"nothing", sdktest.Silent(t), "timeout after 300ms waiting for the answer"},
		{"an end", sdktest.Answer(t, ""), "waiting for the answer: the server closed the connection"},
		{"half a length", sdktest.Answer(t, "\x00"), "waiting for the answer: the server closed the connection"},
		{"no message", sdktest.Answer(t, "\x00\x00"), "waiting for the answer: dns: short read"},
		{"another protocol", sdktest.Answer(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "waiting for the answer: the server closed the connection"},
		{"garbage", sdktest.Answer(t, "\x00\x0dhello, world!"), `not DNS: it begins with "hello, world"`},
		{"something for ever", sdktest.Endless(t, "\x00\x0c", "\xff"), "not an answer"},
		{"a reset", sdktest.Accept(t, func(c *net.TCPConn) { c.Read(make([]byte, 1)); c.SetLinger(0) }), "waiting for the answer: connection reset by peer"},
	} {
		if got := ask(t, sdktest.TargetAt(tt.server), config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
	closed := sdktest.TargetAt(sdktest.Unused(t, 1)[0])
	if got, want := ask(t, closed, config, ""), fmt.Sprintf("connect 127.0.0.1:%d: connection refused", closed.Port); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Any bytes at all: no panic, and nothing that is not the answer to the question is judged.
func FuzzRead(f *testing.F) {
	c, err := sdk.Decode[Config](json.RawMessage(`{"name":"example.com","type":"MX","answers":["10 mail.example.com."],"answer_match":"mail"}`))
	if err != nil {
		f.Fatal(err)
	}
	query := c.query()
	query.Id = 0x4711
	q, err := query.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q)
	f.Add(reply(f, q, func(m *dns.Msg) { add(m, "example.com. 0 IN MX 10 mail.example.com.") }))
	f.Add(reply(f, q, func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure; m.Question = nil }))
	f.Add([]byte("\x47\x11\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := read(b, query)
		if err != nil {
			if len(err.Error()) > 400 {
				t.Errorf("a reason of %d bytes", len(err.Error()))
			}
			return
		}
		if m.Id != query.Id || !m.Response {
			t.Errorf("%x is taken for the answer", b)
		}
		if err := c.judge(m); err != nil && len(err.Error()) > 600 {
			t.Errorf("a reason of %d bytes: %v", len(err.Error()), err)
		}
	})
}
