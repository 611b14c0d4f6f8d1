package http

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask probes what listens at the address with a configuration in JSON, and returns the reason; "": up. It does so in both
// ways that there are, if it is a plain request: one by one, and among many at once. They must say the same.
func ask(t *testing.T, address net.Addr, config string) string {
	t.Helper()
	return askWithin(t, address, config, 5*time.Second)
}

func askWithin(t *testing.T, address net.Addr, config string, timeout time.Duration) string {
	t.Helper()
	at := netip.MustParseAddrPort(address.String())
	target := sdk.Target{ID: "t", Address: at.Addr(), Port: at.Port(), Schedule: sdk.Schedule{Timeout: timeout}, Config: json.RawMessage(config)}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	p := open(t)
	reason := ""
	if err := p.Probe(ctx, target, decoded(t, config)); err != nil {
		reason = err.Error()
	}
	if p.Takes(target, decoded(t, config)) {
		const begins = "not HTTP: the answer begins with" // as much as there was
		other := sdktest.AskBySchedule(t, Plugin(), target, config, timeout)
		if other != reason && (!strings.HasPrefix(other, begins) || !strings.HasPrefix(reason, begins)) {
			t.Errorf("%s: among many at once it says %q, alone %q", config, other, reason)
		}
	}
	return strings.ReplaceAll(reason, address.String(), "ADDRESS")
}

// open returns a prober that is closed with the test.
func open(t testing.TB) *prober {
	t.Helper()
	p, err := newProber()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// decoded is a configuration as the core sends it.
func decoded(t testing.TB, config string) Config {
	t.Helper()
	c, err := sdk.Decode[Config](json.RawMessage(config))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// jsonOf makes the JSON of attributes.
func jsonOf(t *testing.T, attributes map[string]any) string {
	t.Helper()
	b, err := json.Marshal(attributes)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnswersAreJudgedByStatusAndBody(t *testing.T) {
	const welcome = "welcome to the shop\n"
	sha, md := fmt.Sprintf("%x", sha256.Sum256([]byte(welcome))), fmt.Sprintf("%X", md5.Sum([]byte(welcome)))
	wrong := strings.Repeat("0", 64)
	for name, s := range sites(t) {
		aborted := "reading the body: the server closed the connection"
		if strings.HasPrefix(name, "HTTP/2") {
			aborted = "reading the body: HTTP/2: stream error: stream ID 1; INTERNAL_ERROR; received from peer"
		}
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct {
				name   string
				config map[string]any
				want   string
			}{
				{"defaults", nil, ""},
				{"a bad status", map[string]any{"path": "/status/503"}, "HTTP 503 Service Unavailable, want 200-299"},
				{"a bad status that is expected", map[string]any{"path": "/status/503", "status": []string{"200", "500-599"}}, ""},
				{"a status outside the list", map[string]any{"path": "/status/204", "status": []string{"200", "205-299"}}, "HTTP 204 No Content, want 200, 205-299"},
				{"a redirect is not followed", map[string]any{"path": "/redirect"}, "HTTP 302 Found, want 200-299"},
				{"a redirect that is expected", map[string]any{"path": "/redirect", "status": []string{"302"}}, ""},
				{"a match", map[string]any{"body_match": "^welcome.*shop"}, ""},
				{"no match", map[string]any{"body_match": "maintenance"}, `body does not match "maintenance"`},
				{"no match that should not be", map[string]any{"body_not_match": "maintenance"}, ""},
				{"a match that should not be", map[string]any{"body_not_match": "sh.p"}, `body matches "sh.p"`},
				{"the digest", map[string]any{"body_sha256": sha}, ""},
				{"another digest", map[string]any{"body_sha256": wrong}, "body has the SHA-256 digest " + sha + ", want " + wrong},
				{"keepalived's digest", map[string]any{"body_md5": md}, ""},
				{"another of those", map[string]any{"body_md5": wrong[:32]}, "body has the MD5 digest " + strings.ToLower(md) + ", want " + wrong[:32]},
				{"a body of just the size", map[string]any{"body_match": "shop", "max_body": len(welcome)}, ""},
				{"a body of just the size, without a match", map[string]any{"body_match": "x", "max_body": len(welcome)}, `body does not match "x"`},
				{"a longer body", map[string]any{"body_match": "p$", "max_body": len(welcome) - 1}, ""},
				{"a longer body without a match in what is read", map[string]any{"body_match": "shop", "max_body": 15}, `the first 15 bytes of the body do not match "shop"`},
				{"a longer body with a match in what is read", map[string]any{"body_not_match": "welc", "max_body": 15}, `the first 15 bytes of the body match "welc"`},
				{"a far longer body", map[string]any{"path": "/long", "body_match": "y"}, `the first 1048576 bytes of the body do not match "y"`},
				{"a body that is left alone", map[string]any{"path": "/slow", "max_body": 0}, ""},
				{"a long body that nobody reads", map[string]any{"path": "/long"}, ""},
				{"a body that ends too early, without rules about it", map[string]any{"path": "/abort"}, aborted},
				{"HEAD", map[string]any{"method": "HEAD"}, ""},
				{"interim answers", map[string]any{"path": "/early", "body_match": "^after hints$"}, ""},
				{"headers without end", map[string]any{"path": "/headers"}, "the headers of the answer are longer than 65536 bytes"},
			} {
				if tt.name == "headers without end" && strings.HasPrefix(name, "HTTP/2") {
					tt.want = "waiting for the response: HTTP/2: connection error: PROTOCOL_ERROR" // what net/http makes of it
				}
				if got := ask(t, s.address, s.with(t, tt.config)); got != tt.want {
					t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
				}
			}
		})
	}
}

func TestWhatIsAsked(t *testing.T) {
	for name, s := range sites(t) {
		t.Run(name, func(t *testing.T) {
			proto, closes := `HTTP/1\.1`, "true"
			if strings.HasPrefix(name, "HTTP/2") {
				proto, closes = `HTTP/2\.0`, "false"
			}
			for _, tt := range []struct {
				config map[string]any
				match  string
			}{
				{nil, `^GET /echo ` + proto + `\nHost: 127\.0\.0\.1:\d+\nClose: ` + closes + `\n(Connection: close\n)?User-Agent: evenkeel\n$`},
				{map[string]any{"method": "POST", "path": "/echo?a=b%20c&d=%2F"}, `^POST /echo\?a=b%20c&d=%2F HTTP`},
				{map[string]any{"host": "www.example.com"}, `\nHost: www\.example\.com\n`},
				{map[string]any{"host": "www.example.com:8080"}, `\nHost: www\.example\.com:8080\n`},
				{map[string]any{"host": "2001:db8::1"}, `\nHost: \[2001:db8::1\]\n`},
				{map[string]any{"headers": map[string]string{"X-Check": "a, b", "user-agent": "me", "accept": "text/plain"}},
					`\nAccept: text/plain\n(.*\n)*User-Agent: me\nX-Check: a, b\n`},
			} {
				config := map[string]any{"path": "/echo", "body_match": strings.ReplaceAll(tt.match, `\n`, `\r?\n`)}
				for k, v := range tt.config {
					config[k] = v
				}
				if got := ask(t, s.address, s.with(t, config)); got != "" {
					config["body_match"], config["body_not_match"] = "", `(?s)^(.*)$`
					t.Errorf("%v: %s", tt.config, got)
				}
			}
		})
	}
}

func TestTimeOutsSayWhatTookSoLong(t *testing.T) {
	for name, s := range sites(t) {
		t.Run(name, func(t *testing.T) {
			config := s.with(t, map[string]any{"path": "/slow", "body_match": "ever"})
			got, want := askWithin(t, s.address, config, 200*time.Millisecond), "timeout after 200ms reading the body"
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestTheHostHeaderIsTheAddressWithoutTheUsualPort(t *testing.T) {
	for _, tt := range []struct {
		tls           bool
		address, want string
	}{
		{false, "192.0.2.1:80", "192.0.2.1"},
		{false, "192.0.2.1:443", "192.0.2.1:443"},
		{true, "192.0.2.1:443", "192.0.2.1"},
		{false, "[2001:db8::1]:80", "[2001:db8::1]"},
		{false, "[2001:db8::1]:8080", "[2001:db8::1]:8080"},
		{false, "[fe80::1%eth0]:80", "[fe80::1]"},
	} {
		at := netip.MustParseAddrPort(tt.address)
		p := &plan{Config: Config{TLS: dialog.TLS{On: tt.tls}}}
		if got := p.authority(sdk.Target{Address: at.Addr(), Port: at.Port()}); got != tt.want {
			t.Errorf("%v %s: %s, want %s", tt.tls, tt.address, got, tt.want)
		}
	}
}

func TestOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("there is no IPv6 here: ", err)
	}
	s := httptest.NewUnstartedServer(site())
	s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	if got := ask(t, l.Addr(), `{"path":"/echo","body_match":"Host: \\[::1\\]:[0-9]+\n"}`); got != "" {
		t.Error(got)
	}
}

func TestAServerThatRefusesConnections(t *testing.T) {
	if got, want := ask(t, sdktest.Unused(t, 1)[0], `{}`), "connect ADDRESS: connection refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAProbeThatIsNoLongerWantedEndsAtOnce(t *testing.T) {
	for _, config := range []string{`{}`, `{"tls":true}`, `{"http_version":"2"}`} {
		at := sdktest.Silent(t).(*net.TCPAddr).AddrPort()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		err := open(t).Probe(ctx, sdk.Target{Address: at.Addr(), Port: at.Port()}, decoded(t, config))
		if !errors.Is(err, context.Canceled) || time.Since(start) > 3*time.Second {
			t.Errorf("%s: %v after %v", config, err, time.Since(start))
		}
	}
}

// The path of a real probe: the core's JSON, the check engine, a reason that comes back over the wire.
func TestThePluginAsTheCoreSeesIt(t *testing.T) {
	s := httptest.NewServer(site())
	defer s.Close()
	conn, stop := sdk.ServeInProcess(Plugin(), nil)
	defer stop()
	info, err := sdk.NewPluginClient(conn).Describe(t.Context(), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	if info.String() != "check-http" {
		t.Errorf("it is %s", info)
	}
	at := s.Listener.Addr().(*net.TCPAddr).AddrPort()
	target := sdk.Target{ID: "web", Address: at.Addr(), Port: at.Port(), Schedule: sdk.Schedule{Interval: time.Minute, Timeout: 5 * time.Second}}
	target.Config = json.RawMessage(`{"path":"/"}`)
	if err := sdk.NewCheckerClient(conn).Probe(t.Context(), target); err != nil {
		t.Errorf("it is down: %v", err)
	}
	target.Config = json.RawMessage(`{"path":"/status/503"}`)
	if err := sdk.NewCheckerClient(conn).Probe(t.Context(), target); err == nil || err.Error() != "HTTP 503 Service Unavailable, want 200-299" {
		t.Errorf("got %v", err)
	}
}

func BenchmarkProbe(b *testing.B) {
	s := httptest.NewServer(site())
	defer s.Close()
	at := s.Listener.Addr().(*net.TCPAddr).AddrPort()
	p, raw := open(b), `{"body_match":"shop"}`
	target, config := sdk.Target{Address: at.Addr(), Port: at.Port(), Config: json.RawMessage(raw)}, decoded(b, raw)
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		if err := p.Probe(ctx, target, config); err != nil {
			b.Fatal(err)
		}
		cancel()
	}
}
