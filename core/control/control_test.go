package control

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// A fake answers with what it is given.
type fake struct {
	controlv1.UnimplementedControlServiceServer
	status *controlv1.StatusResponse
}

func (f fake) Status(context.Context, *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	return f.status, nil
}

// Events sends one and goes on until the caller, or the server, ends.
func (f fake) Events(_ *controlv1.EventsRequest, s grpc.ServerStreamingServer[controlv1.EventsResponse]) error {
	if err := s.Send(&controlv1.EventsResponse{Id: 1}); err != nil {
		return err
	}
	<-s.Context().Done()
	return s.Context().Err()
}

// serve runs a server until the test ends, and returns what ends it early and waits for its end.
func serve(t *testing.T, path string, impl controlv1.ControlServiceServer) (stop func() error) {
	t.Helper()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ServeOn(ctx, l, impl) }()
	ended := false
	stop = func() error {
		cancel()
		if ended {
			return nil
		}
		ended = true
		select {
		case err := <-done:
			return err
		case <-time.After(5 * time.Second):
			t.Fatal("the server did not end")
			return nil
		}
	}
	t.Cleanup(func() { stop() })
	return stop
}

func TestAClientGetsTheStatusOverASocketThatOnlyItsOwnerMayOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "control.sock")
	serve(t, path, fake{status: &controlv1.StatusResponse{Director: "lb1"}})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("the socket's mode is %v, want a socket with 0600", info.Mode())
	}
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	st, err := c.Status(t.Context(), &controlv1.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if st.Director != "lb1" {
		t.Errorf("the director is %q, want lb1", st.Director)
	}
}

func TestStoppingEndsAStreamThatWouldGoOnForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	stop := serve(t, path, fake{})
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := c.Events(t.Context(), &controlv1.EventsRequest{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if _, err := s.Recv(); err == nil {
		t.Error("the stream went on after the server's end")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is still there")
	}
}

func TestASocketLeftByADeadProcessIsReplacedAndALivingOnesIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Listen(path)
	if err == nil || !strings.Contains(err.Error(), "another evenkeel answers there") {
		t.Errorf("a second listener got %v, want to be told of the first", err)
	}
	// A killed process leaves its socket.
	l.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
	l.Close()
	l, err = Listen(path)
	if err != nil {
		t.Fatalf("a dead process's socket was not replaced: %v", err)
	}
	l.Close()
}

func TestAClientWithoutAServerIsToldWhatToDo(t *testing.T) {
	_, err := Dial(filepath.Join(t.TempDir(), "none.sock"))
	if err == nil || !strings.Contains(err.Error(), "is it running?") {
		t.Errorf("got %v", err)
	}
}
