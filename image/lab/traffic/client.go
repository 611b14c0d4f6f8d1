package traffic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Client asks who answers. Each request is a connection of its own.
type Client struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Timeout time.Duration // of one request; 0: 1 s
}

func (c Client) timeout() time.Duration {
	if c.Timeout == 0 {
		return time.Second
	}
	return c.Timeout
}

// HTTP asks "address:port" once and returns the answer's first word.
func (c Client) HTTP(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return "", err
	}
	t := &http.Transport{DialContext: c.Dial, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("http status %d", resp.StatusCode)
	}
	return strings.TrimSpace(string(body)), nil
}

// UDP sends a datagram to "address:port" and returns the answer.
func (c Client) UDP(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	conn, err := c.Dial(ctx, "udp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("who?")); err != nil {
		return "", err
	}
	b := make([]byte, 2048)
	n, err := conn.Read(b)
	return strings.TrimSpace(string(b[:n])), err
}

// Ask asks n times, one after the other.
func Ask(ctx context.Context, n int, ask func(context.Context) (string, error)) []Answer {
	answers := make([]Answer, n)
	for i := range answers {
		answers[i] = once(ctx, ask)
	}
	return answers
}

// Count asks n times, one after the other, and returns how often each answer came. A request that fails counts as Failed.
func Count(ctx context.Context, n int, ask func(context.Context) (string, error)) map[string]int {
	return Tally(Ask(ctx, n, ask))
}
