package traffic_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// client asks from this computer.
var client = traffic.Client{Dial: (&net.Dialer{}).DialContext, Timeout: time.Second}

// serve runs a real server called rs1 on ports of loopback.
func serve(t *testing.T) (tcp, udp string) {
	t.Helper()
	// Ports that were free a moment ago; nobody else takes them from a test's address.
	l, err := net.Listen("tcp", "127.77.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	tcp = l.Addr().String()
	udp = net.JoinHostPort("127.77.0.2", p)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- traffic.Web(ctx, "rs1", tcp, ":"+p, w) }()
	b := make([]byte, 100)
	if _, err := r.Read(b); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return tcp, udp
}

func TestServerAnswersItsName(t *testing.T) {
	tcp, _ := serve(t)
	counts := traffic.Count(t.Context(), 5, func(ctx context.Context) (string, error) { return client.HTTP(ctx, tcp) })
	if counts["rs1"] != 5 || len(counts) != 1 {
		t.Errorf("got %v, want rs1 five times", counts)
	}
}

// A connected client takes only what comes from the address it sent to, as a client of a virtual address does.
func TestDatagramIsAnsweredFromTheAddressItWasSentTo(t *testing.T) {
	_, udp := serve(t)
	if who, err := client.UDP(t.Context(), udp); err != nil || who != "rs1" {
		t.Errorf("got %q, %v, want rs1", who, err)
	}
}

func TestDatagramOverIPv6IsAnswered(t *testing.T) {
	_, udp := serve(t)
	_, port, _ := net.SplitHostPort(udp)
	if who, err := client.UDP(t.Context(), net.JoinHostPort("::1", port)); err != nil || who != "rs1" {
		t.Errorf("got %q, %v, want rs1", who, err)
	}
}

func TestRequestToNobodyCountsAsFailed(t *testing.T) {
	counts := traffic.Count(t.Context(), 2, func(ctx context.Context) (string, error) { return client.HTTP(ctx, "127.77.0.3:1") })
	if counts[traffic.Failed] != 2 {
		t.Errorf("got %v, want two failures", counts)
	}
}

func TestAnswerOtherThan200IsAFailure(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if _, err := client.HTTP(t.Context(), strings.TrimPrefix(s.URL, "http://")); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want status 404", err)
	}
}
