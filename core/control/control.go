// Package control is the one door into a running evenkeel: a gRPC service on a unix socket that belongs to root.
//
// The command line comes in through it, and so will wizard, menu and web console; what they show is in the messages of
// package controlv1, which "evenkeel status --json" prints as they are.
package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// DefaultSocket is where evenkeel listens unless told otherwise.
const DefaultSocket = "/run/evenkeel/control.sock"

// Serve answers on the unix socket at path until ctx ends. The socket is made with mode 0600 and removed at the end; one
// that a dead process left is replaced, one that a living process answers on is an error.
func Serve(ctx context.Context, path string, impl controlv1.ControlServiceServer) error {
	l, err := Listen(path)
	if err != nil {
		return err
	}
	return ServeOn(ctx, l, impl)
}

// Listen opens the unix socket at path, as Serve says.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the control socket: %w", err)
	}
	l, err := listen(path)
	if errors.Is(err, syscall.EADDRINUSE) {
		c, derr := net.DialTimeout("unix", path, time.Second)
		if derr == nil {
			c.Close()
			return nil, fmt.Errorf("listening on %s: another evenkeel answers there; stop it, or give this one a --socket of its own", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("removing the control socket of a dead process: %w", err)
		}
		l, err = listen(path)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on the control socket: %w", err)
	}
	return l, nil
}

// listen makes the socket with its mode from the start, so that there is no moment in which others could connect.
func listen(path string) (net.Listener, error) {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}

// ServeOn is Serve on a listener that is already there.
func ServeOn(ctx context.Context, l net.Listener, impl controlv1.ControlServiceServer) error {
	s := grpc.NewServer()
	controlv1.RegisterControlServiceServer(s, impl)
	// The calls in flight get a moment; one that follows events would never end by itself.
	stopped := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(time.Second, s.Stop)
		defer t.Stop()
		s.GracefulStop()
	})
	defer stopped()
	if err := s.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
}

// A Client speaks to a running evenkeel.
type Client struct {
	controlv1.ControlServiceClient
	conn *grpc.ClientConn
}

// Dial connects to the evenkeel that listens at path. The error says what a person can do about it.
func Dial(path string) (*Client, error) {
	c, err := net.DialTimeout("unix", path, 2*time.Second)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no evenkeel answers at %s: is it running? (another place: --socket)", path)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("not allowed to speak to the evenkeel at %s: only root may", path)
	case err != nil:
		return nil, fmt.Errorf("connecting to evenkeel at %s: %w", path, err)
	}
	c.Close()
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(256<<20)))
	if err != nil {
		return nil, fmt.Errorf("connecting to evenkeel at %s: %w", path, err)
	}
	return &Client{ControlServiceClient: controlv1.NewControlServiceClient(conn), conn: conn}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }
