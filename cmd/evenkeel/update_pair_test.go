package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/appliance/update"
	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// routers answer as a director with virtual routers does.
type routers struct {
	controlv1.UnimplementedControlServiceServer
	instances []*controlv1.VRRPInstance
	commands  []string
}

func (r *routers) Status(context.Context, *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	return &controlv1.StatusResponse{Vrrp: &controlv1.VRRP{Instances: r.instances}}, nil
}

func (r *routers) CommandVRRP(_ context.Context, q *controlv1.CommandVRRPRequest) (*controlv1.CommandVRRPResponse, error) {
	r.commands = append(r.commands, q.Action+" "+q.Instance)
	for _, i := range r.instances {
		if i.Name == q.Instance {
			if i.Released = q.Action == "release"; i.Released {
				i.State = "backup"
			}
			return &controlv1.CommandVRRPResponse{}, nil
		}
	}
	return nil, status.Error(codes.NotFound, "no such instance")
}

func TestADirectorGivesItsRolesAwayAndTakesBackThoseOnly(t *testing.T) {
	r := &routers{instances: []*controlv1.VRRPInstance{
		{Name: "web", State: "master"}, {Name: "mail", State: "backup"}, {Name: "ftp", State: "master"}, {Name: "old", State: "backup", Released: true},
	}}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = control.ServeOn(t.Context(), l, r) }()
	restarted := 0
	d := &thisDirector{socket: socket, restart: func() error { restarted++; return nil }, installer: update.Installer{
		Disk:    counted{counter: update.Counter{First: "A", Left: map[update.Slot]int{"A": update.Tries}}},
		Running: "A", Version: "1.0", Book: update.Book{Dir: t.TempDir()},
	}}
	s, err := d.State(t.Context())
	if err != nil || !s.Good || s.Version != "1.0" {
		t.Errorf("%+v, %v", s, err)
	}
	want := []update.Role{{Instance: "web", State: "master"}, {Instance: "mail", State: "backup"}, {Instance: "ftp", State: "master"}, {Instance: "old", State: "backup", Released: true}}
	if diff := cmp.Diff(want, s.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if err := d.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The box has started again, with a configuration that has no ftp any more.
	r.instances = append(r.instances[:2:2], r.instances[3])
	for range 2 {
		if err := d.Reclaim(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"release web", "release ftp", "reclaim web"}, r.commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if err := d.Restart(t.Context()); err != nil || restarted != 1 {
		t.Errorf("started again %d times, %v", restarted, err)
	}
}

func TestAVersionIsGoodWhenItHasAllItsTriesAgain(t *testing.T) {
	d := &thisDirector{socket: filepath.Join(t.TempDir(), "none"), installer: update.Installer{
		Disk:    counted{counter: update.Counter{First: "A", Left: map[update.Slot]int{"A": 2}}},
		Running: "A", Version: "1.0", Book: update.Book{Dir: t.TempDir()},
	}}
	if s, err := d.State(t.Context()); s.Good || err == nil {
		t.Errorf("with two tries left and no director: %+v, %v", s, err)
	}
}
