package health

import (
	"context"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func good() *controlv1.StatusResponse {
	return &controlv1.StatusResponse{
		Configuration: &controlv1.Configuration{Loaded: timestamppb.Now()},
		Plugins:       []*controlv1.Plugin{{Name: "ipvs", State: "running"}, {Name: "vrrp", State: "running"}, {Name: "check-http", State: "running"}},
		Balancer:      &controlv1.Balancer{},
	}
}

func TestABoxIsWellByWhatIsInsideOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*controlv1.StatusResponse)
		want   string
	}{
		"all runs":              {func(*controlv1.StatusResponse) {}, ""},
		"the last good one":     {func(st *controlv1.StatusResponse) { st.Configuration.Problem = "it has errors" }, ""},
		"all real servers down": {func(st *controlv1.StatusResponse) { st.VirtualServers = []*controlv1.VirtualServer{{Name: "web"}} }, ""},
		"a check is down":       {func(st *controlv1.StatusResponse) { st.Plugins[2].State = "backoff" }, ""},
		"nothing to do":         {func(st *controlv1.StatusResponse) { st.Plugins, st.Balancer = nil, nil }, ""},
		"no configuration":      {func(st *controlv1.StatusResponse) { st.Configuration = nil }, "no configuration is applied"},
		"ipvs does not run": {func(st *controlv1.StatusResponse) {
			st.Plugins[0].State, st.Plugins[0].LastError = "backoff", "no ip_vs"
		}, "plugin ipvs is backoff: no ip_vs"},
		"no table": {func(st *controlv1.StatusResponse) { st.Balancer.Problem = "no such device" }, "the kernel's table can't be read: no such device"},
	} {
		t.Run(name, func(t *testing.T) {
			st := good()
			c.change(st)
			said := ""
			if err := Judge(st); err != nil {
				said = err.Error()
			}
			if said != c.want {
				t.Errorf("said %q, want %q", said, c.want)
			}
		})
	}
}

type server struct {
	controlv1.UnimplementedControlServiceServer
}

func (server) Status(context.Context, *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	return good(), nil
}

func TestItIsAskedThroughTheControlAPI(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	if Ask(t.Context(), socket) == nil {
		t.Error("well without an evenkeel")
	}
	l, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = control.ServeOn(t.Context(), l, server{}) }()
	if err := Ask(t.Context(), socket); err != nil {
		t.Error(err)
	}
}
