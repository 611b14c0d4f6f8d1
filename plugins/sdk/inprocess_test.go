package sdk

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

type pathConfig struct {
	Path string `attr:"path" default:"/" doc:"what to ask for"`
}

func (c *pathConfig) Validate() []Diagnostic {
	if !strings.HasPrefix(c.Path, "/") {
		return []Diagnostic{{Path: []string{"path"}, Summary: "it must begin with /"}}
	}
	return nil
}

// checkPlugin is a check type whose targets are down when their port is 1, and panics at port 2.
func checkPlugin() Plugin {
	return NewCheck(Info{Name: "sample", Version: "1.2.3"}, func(_ context.Context, t Target, c pathConfig) error {
		switch t.Port {
		case 1:
			return errors.New("nobody there at " + c.Path)
		case 2:
			panic("an author's mistake")
		}
		return nil
	})
}

func TestACheckOfOneFunctionWorksOverGRPC(t *testing.T) {
	conn, done := ServeInProcess(checkPlugin(), nil)
	defer done()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	info, err := NewPluginClient(conn).Describe(ctx, "test", false)
	if err != nil {
		t.Fatalf("describing: %v", err)
	}
	if info.Kind != KindCheck || info.Name != "sample" || info.Schema.Attributes[0].Name != "path" {
		t.Errorf("the plugin describes itself as %+v", info)
	}

	c := NewCheckerClient(conn)
	target := func(id string, port uint16) Target {
		return Target{ID: id, Address: netip.MustParseAddr("192.0.2.1"), Port: port, Config: []byte(`{"path":"/x"}`),
			Schedule: Schedule{Interval: 20 * time.Millisecond, Timeout: time.Second, Fall: 1, Rise: 1}}
	}
	err = c.Apply(ctx, TargetUpdate{Generation: 7, Full: true, Targets: []Target{target("up", 80), target("down", 1), target("bad", 2)}})
	if err != nil {
		t.Fatalf("applying: %v", err)
	}
	got := make(map[string]Verdict)
	watch, stop := context.WithCancel(ctx)
	first := true
	err = c.Watch(watch, func(r CheckReport) {
		if r.Snapshot != first {
			t.Errorf("snapshot %t, want the first report and no other to be one", r.Snapshot)
		}
		first = false
		for _, v := range r.Verdicts {
			got[v.TargetID] = v
		}
		if got["up"].State == StateUp && got["down"].State == StateDown && got["bad"].State == StateDown {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the watch ended with %v, want the context's error", err)
	}
	if r := got["down"].Reason; r != "nobody there at /x" {
		t.Errorf("the reason of the target that is down is %q", r)
	}
	if r := got["bad"].Reason; !strings.Contains(r, "an author's mistake") {
		t.Errorf("the reason of the target whose probe panics is %q", r)
	}

	var down *DownError
	if err := c.Probe(ctx, target("down", 1)); !errors.As(err, &down) || down.Reason != "nobody there at /x" {
		t.Errorf("probing once says %v", err)
	}
	if err := c.Probe(ctx, target("up", 80)); err != nil {
		t.Errorf("probing once says %v, want up", err)
	}
}
