package grpc

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

const (
	serving    = grpc_health_v1.HealthCheckResponse_SERVING
	notServing = grpc_health_v1.HealthCheckResponse_NOT_SERVING
)

// start starts a server of the library's, with or without TLS, until the test ends.
func start(t *testing.T, s *grpc.Server) sdk.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return sdktest.TargetAt(l.Addr())
}

// serve starts a server with the library's health service.
func serve(t *testing.T, secure *tls.Config) (*health.Server, sdk.Target) {
	t.Helper()
	var options []grpc.ServerOption
	if secure != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(secure)))
	}
	h, s := health.NewServer(), grpc.NewServer(options...)
	grpc_health_v1.RegisterHealthServer(s, h)
	return h, start(t, s)
}

// A service is a health service made by hand.
type service struct {
	grpc_health_v1.UnimplementedHealthServer
	check func(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error)
}

func (s service) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	return s.check(ctx, r)
}

// byHand starts a server with a health service made by hand.
func byHand(t *testing.T, check func(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error)) sdk.Target {
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, service{check: check})
	return start(t, s)
}

// at is a target's address and port.
func at(t sdk.Target) string { return netip.AddrPortFrom(t.Address, t.Port).String() }

// ask probes a target and returns the reason why it is down; "" is up. want is the reason that it should be.
func ask(t testing.TB, target sdk.Target, config, want string) string {
	t.Helper()
	return sdktest.AskFor(t, Plugin(), target, config, want)
}

func TestTheHealthServiceHasTheWord(t *testing.T) {
	h, target := serve(t, nil)
	h.SetServingStatus("", serving)
	h.SetServingStatus("shop.v1.Cart", notServing)
	h.SetServingStatus("shop.v1.Till", serving)
	bare := start(t, grpc.NewServer())
	failing := byHand(t, func(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
		return nil, status.Error(codes.Internal, "the disk is\nfull")
	})
	long := byHand(t, func(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
		r := &grpc_health_v1.HealthCheckResponse{Status: serving}
		r.ProtoReflect().SetUnknown(append([]byte{0x12, 0x80, 0x10}, make([]byte, 2048)...))
		return r, nil
	})
	for _, tt := range []struct {
		target       sdk.Target
		config, want string
	}{
		{target, `{}`, ""},
		{target, `{"service":"shop.v1.Till"}`, ""},
		{target, `{"service":"shop.v1.Cart"}`, `service "shop.v1.Cart" is NOT_SERVING`},
		{target, `{"service":"shop.v1.Shelf"}`, `gRPC NotFound for service "shop.v1.Shelf": unknown service`},
		{bare, `{}`, "gRPC Unimplemented: unknown service grpc.health.v1.Health"},
		{failing, `{}`, "gRPC Internal: the disk is full"},
		{long, `{}`, "gRPC ResourceExhausted: grpc: received message larger than max (2053 vs. 1024)"},
	} {
		if got := ask(t, tt.target, tt.config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
	h.Shutdown()
	if got, want := ask(t, target, `{}`, ""), "the server is NOT_SERVING"; got != want {
		t.Errorf("shutting down: got %q, want %q", got, want)
	}
}

func TestTheServerSeesTheAuthority(t *testing.T) {
	var got []string
	target := byHand(t, func(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		got = md.Get(":authority")
		return &grpc_health_v1.HealthCheckResponse{Status: serving}, nil
	})
	for config, want := range map[string]string{
		`{}`:                               at(target),
		`{"authority":"cart.example.com"}`: "cart.example.com",
	} {
		if reason := ask(t, target, config, ""); reason != "" || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, the authority is %q, want %q", config, reason, got, want)
		}
	}
}

func TestByTLSTheCertificateMustBeGood(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	h, target := serve(t, a.Serve(t, sdktest.Leaf{Names: []string{"cart.example.com"}}))
	h.SetServingStatus("", serving)
	old := a.Serve(t, sdktest.Leaf{Names: []string{"cart.example.com"}})
	old.NextProtos = []string{"http/1.1"}
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.TLS = old
	web.StartTLS()
	t.Cleanup(web.Close)
	trusted := `"tls":true,"ca_file":"` + a.File + `"`
	plain, plainTarget := serve(t, nil)
	plain.SetServingStatus("", serving)
	for _, tt := range []struct {
		name         string
		target       sdk.Target
		config, want string
	}{
		{"good", target, `{` + trusted + `,"authority":"cart.example.com:443"}`, ""},
		{"good by sni", target, `{` + trusted + `,"sni":"cart.example.com"}`, ""},
		{"another name", target, `{` + trusted + `,"authority":"till.example.com"}`, "certificate is not for till.example.com but for cart.example.com"},
		{"unknown", target, `{"tls":true,"authority":"cart.example.com"}`, `certificate of cart.example.com is signed by an unknown authority: "The Authority"`},
		{"not looked at", target, `{"tls":true,"verify":false}`, ""},
		{"no TLS", plainTarget, `{"tls":true,"verify":false}`, `not TLS: the answer begins with "\x00\x00\f\x04\x00"`},
		{"HTTP/1.1 only", sdktest.TargetAt(web.Listener.Addr()), `{"tls":true,"verify":false}`, "shaking hands by TLS: the server refuses: no application protocol"},
		{"no TLS to a server that wants it", target, `{}`, "waiting for the answer: the server closed the connection"},
	} {
		got := ask(t, tt.target, tt.config, tt.want)
		if tt.name == "no TLS" && strings.HasPrefix(got, "not TLS: the answer begins with ") {
			continue // how long the settings are is the library's business
		}
		if got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAServerThatSpeaksNoGRPC(t *testing.T) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.Protocols = &protocols
	web.Start()
	t.Cleanup(web.Close)
	closed := sdktest.TargetAt(sdktest.Unused(t, 1)[0])
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	const preface = 24 + len(settings) // what the library sends before it waits: RFC 9113, section 3.4
	for _, tt := range []struct {
		name   string
		server net.Addr
		want   string
	}{
		{"a web server", web.Listener.Addr(), "gRPC Unimplemented: unexpected HTTP status code received from server: 404 (Not Found)"},
		{"HTTP/1.1", sdktest.Answer(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), `not gRPC: the answer begins with "HTTP/1.1 400 Bad Request"`},
		{"SSH", sdktest.Greet(t, "SSH-2.0-OpenSSH_9.2\r\n"), `not gRPC: the answer begins with "SSH-2.0-OpenSSH_9.2"`},
		{"nothing", sdktest.Silent(t), "timeout after 300ms waiting for the answer"},
		{"nothing, and hangs up", sdktest.Answer(t, ""), "waiting for the answer: the server closed the connection"},
		{"settings, and hangs up", sdktest.Answer(t, settings), "waiting for the answer: the server closed the connection"},
		{"settings and nothing more", sdktest.Greet(t, settings), "timeout after 300ms waiting for the answer"},
		{"a reset", sdktest.Accept(t, func(c *net.TCPConn) { io.ReadFull(c, make([]byte, preface)); c.SetLinger(0) }), "waiting for the answer: connection reset by peer"},
	} {
		got := ask(t, sdktest.TargetAt(tt.server), `{}`, tt.want)
		if !strings.HasPrefix(got, tt.want) || tt.want == "" {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
	if got, want := ask(t, closed, `{}`, ""), "connect "+at(closed)+": connection refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A reset is told once by the kernel, and it may be the library's write that hears of it.
func TestAResetThatAWriteMeets(t *testing.T) {
	target := sdktest.TargetAt(sdktest.Silent(t))
	target.Schedule.Timeout = 5 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), target.Schedule.Timeout)
	defer cancel()
	conn, err := dialog.Dial(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l := &line{Conn: mute{conn}, dialog: conn}
	_, err = l.ask(ctx, target, &Config{})
	if got, want := l.reason(ctx, target, &Config{}, err).Error(), "waiting for the answer: connection reset by peer"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// mute is a connection that was reset before the first write.
type mute struct{ net.Conn }

func (mute) Write([]byte) (int, error) {
	return 0, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.ECONNRESET)}
}

// A server may send anything: no panic, a short reason, and no probe that hangs.
func FuzzServer(f *testing.F) {
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	f.Add([]byte(settings + "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88")) // HEADERS with :status 200, and the end
	f.Add([]byte(settings + "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		target := sdktest.TargetAt(sdktest.Answer(t, string(b)))
		switch got := sdktest.Ask(t, Plugin(), target, `{}`, 5*time.Second); {
		case got == "":
			t.Errorf("%q is up", b)
		case strings.HasPrefix(got, "timeout"):
			t.Errorf("%q: it hangs: %s", b, got)
		}
	})
}
