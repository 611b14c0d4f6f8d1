package sdktest

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// typed is a check type with another probe.
func typed(probe func(context.Context, net.Conn) error) sdk.Plugin {
	return sdk.NewCheck(info(), func(ctx context.Context, t sdk.Target, _ Config) error {
		c, err := sdk.Dial(ctx, t)
		if err != nil {
			return err
		}
		defer c.Close()
		return probe(ctx, c)
	})
}

func TestATypeThatSuffersFromHostileServers(t *testing.T) {
	silent := HostileServer{Name: "silent", Start: Silent}
	greedy := HostileServer{Name: "greedy", Start: func(t *testing.T) net.Addr { return Answer(t, "x") }}
	for _, tt := range []struct {
		name   string
		server HostileServer
		probe  func(context.Context, net.Conn) error
		want   string
	}{
		{"finds it up", silent, func(context.Context, net.Conn) error { return nil }, "it is up"},
		{"panics", silent, func(context.Context, net.Conn) error { panic("no") }, "the reason is a panic"},
		{"does as it should", silent, func(_ context.Context, c net.Conn) error {
			c.SetDeadline(time.Now().Add(10 * time.Millisecond))
			_, err := c.Read(make([]byte, 1))
			return err
		}, ""},
		{"believes a length", greedy, func(_ context.Context, c net.Conn) error {
			c.Write([]byte("x"))
			_, err := io.ReadFull(c, make([]byte, 32<<20))
			return err
		}, "the probe allocates 3"},
	} {
		wrong := survives(t, typed(tt.probe), `{}`, tt.server, Ask)
		if tt.want == "" {
			if len(wrong) > 0 {
				t.Errorf("%s: %q", tt.name, wrong)
			}
			continue
		}
		t.Run(tt.name, func(t *testing.T) { complains(t, wrong, tt.want) })
	}
}
