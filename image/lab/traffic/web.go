// Package traffic is both ends of what goes through a director in the lab: the real servers' tiny servers, and a client
// that counts who answers.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Web answers every HTTP request on a TCP address, and every datagram on a UDP port (":53") unless that is "", with a name and
// a newline, until ctx ends. It writes a line to ready when it listens.
func Web(ctx context.Context, name, tcp, udp string, ready io.Writer) error {
	body := []byte(name + "\n")
	l, err := net.Listen("tcp", tcp)
	if err != nil {
		return fmt.Errorf("serve as %s: %w", name, err)
	}
	if udp != "" {
		for network, echo := range map[string]func(net.PacketConn, []byte){"udp4": echo4, "udp6": echo6} {
			c, err := net.ListenPacket(network, udp)
			if err != nil {
				return fmt.Errorf("serve as %s: %w", name, err)
			}
			defer c.Close()
			go echo(c, body)
		}
	}
	s := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(body) // a client that is gone has no complaint
		}),
	}
	context.AfterFunc(ctx, func() { s.Close() })
	fmt.Fprintf(ready, "listening on %s\n", l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve as %s: %w", name, err)
	}
	return nil
}
