package ldap

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask probes a server with a configuration in JSON, and returns the reason; "": up.
func ask(t *testing.T, a net.Addr, config string) string {
	t.Helper()
	return sdktest.Ask(t, Plugin(), sdktest.TargetAt(a), config, 5*time.Second)
}

// tlv is an element of BER with a content of at most 127 bytes.
func tlv(tag byte, content string) string { return string([]byte{tag, byte(len(content))}) + content }

// message is an LDAPMessage, RFC 4511, section 4.1.1.
func message(id byte, op string) string { return tlv(0x30, tlv(2, string([]byte{id}))+op) }

// refusal is a result that is an answer to requests of a kind, RFC 4511, section 4.1.9. Its tag is that of the answer.
func refusal(tag, code byte, text string) string {
	return tlv(0x60|tag, tlv(10, string([]byte{code}))+tlv(4, "")+tlv(4, text))
}

func success(tag byte) string { return refusal(tag, 0, "") }

// foundEntry is one entry without attributes, RFC 4511, section 4.5.2.
var foundEntry = tlv(0x64, tlv(4, "")+tlv(0x30, ""))

// directory starts a server that answers each message that it gets: a search, which is the second of two answers, with
// both. An answer "" is the end, "TLS" the handshake that follows a yes.
func directory(t *testing.T, secure *tls.Config, answers ...string) net.Addr {
	t.Helper()
	return sdktest.Accept(t, func(tcp *net.TCPConn) {
		var c net.Conn = tcp
		id := byte(0)
		for i := 0; i < len(answers); i++ {
			if answers[i] == "TLS" {
				s := tls.Server(c, secure)
				if s.Handshake() != nil {
					return
				}
				c, id = s, 0
				continue
			}
			head := make([]byte, 2)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, c, int64(head[1])); err != nil {
				return
			}
			id++
			if answers[i] == foundEntry {
				io.WriteString(c, message(id, foundEntry))
				i++
			}
			if i < len(answers) && answers[i] != "" {
				io.WriteString(c, message(id, answers[i]))
			}
		}
		bufio.NewReader(c).ReadByte()
	})
}

func TestASearchMustFindTheEntry(t *testing.T) {
	const search, bind = 5, 1
	const login = `{"bind_dn":"cn=monitor","password":"secret"}`
	for _, tt := range []struct {
		name, config string
		answers      []string
		want         string
	}{
		{"found", `{}`, []string{foundEntry, success(search)}, ""},
		{"nothing found", `{"base":"dc=example","filter":"(uid=a)"}`, []string{success(search)}, `search: "dc=example" has no entry with (uid=a)`},
		{"no such entry", `{"base":"dc=example"}`, []string{refusal(search, 32, "")}, "search: success expected, got 32 No Such Object"},
		{"busy", `{}`, []string{refusal(search, 51, "come back later")}, "search: success expected, got 51 Busy: come back later"},
		{"logged in", login, []string{success(bind), foundEntry, success(search)}, ""},
		{"a wrong password", login, []string{refusal(bind, 49, "")}, "bind: success expected, got 49 Invalid Credentials"},
		{"a result that nobody knows", login, []string{refusal(bind, 99, "what")}, "bind: success expected, got 99: what"},
	} {
		if got := ask(t, directory(t, nil, tt.answers...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTLSFromTheFirstByteOnOrAfterStartTLS(t *testing.T) {
	const search, extended = 5, 24
	secure := sdktest.NewAuthority(t, "").Serve(t, sdktest.Leaf{Names: []string{"ldap.example.com"}})
	for _, tt := range []struct {
		config  string
		answers []string
		want    string
	}{
		{`{"tls":true,"verify":false}`, []string{"TLS", foundEntry, success(search)}, ""},
		{`{"tls":true}`, []string{"TLS"}, "certificate is not for 127.0.0.1 but for ldap.example.com"},
		{`{"starttls":true,"verify":false}`, []string{success(extended), "TLS", foundEntry, success(search)}, ""},
		{`{"starttls":true}`, []string{success(extended), "TLS"}, "certificate is not for 127.0.0.1 but for ldap.example.com"},
		{`{"starttls":true}`, []string{refusal(extended, 2, "unsupported extended operation")}, "StartTLS: success expected, got 2 Protocol Error: unsupported extended operation"},
	} {
		if got := ask(t, directory(t, secure, tt.answers...), tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

func TestAServerThatStopsInTheMiddleOrSpeaksAnotherLanguage(t *testing.T) {
	yes := message(1, success(1))
	once := sdktest.Accept(t, func(c *net.TCPConn) {
		io.WriteString(c, yes)
		c.CloseWrite()
		io.Copy(io.Discard, c)
	})
	for _, tt := range []struct {
		name   string
		server net.Addr
		want   string
	}{
		{"nothing", sdktest.Silent(t), "timeout after 300ms waiting for the answer to bind"},
		{"an end", sdktest.Answer(t, ""), "waiting for the answer to bind: the server closed the connection"},
		{"a reset", sdktest.Script(t, nil, "RST"), "waiting for the answer to bind: connection reset by peer"},
		{"half an answer", sdktest.Greet(t, yes[:5]), "timeout after 300ms waiting for the answer to bind"},
		{"half an answer and an end", sdktest.Answer(t, yes[:5]), "waiting for the answer to bind: the server closed the connection"},
		{"an answer and an end", once, "waiting for the answer to search: the server closed the connection"},
		{"SSH", sdktest.Greet(t, "SSH-2.0-OpenSSH_9.2\r\n"), `not LDAP: the answer begins with "SSH-2.0-OpenSSH_9.2"`},
		{"for ever", sdktest.Endless(t, "", message(77, foundEntry)), "the server sends more than 16384 bytes"},
	} {
		got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(tt.server), `{"bind_dn":"cn=a","password":"b"}`, 300*time.Millisecond)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
