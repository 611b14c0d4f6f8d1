package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// configured is a target with a path.
func configured(id, path string) Target {
	return Target{ID: id, Config: json.RawMessage(fmt.Sprintf(`{"path":%q}`, path)),
		Schedule: Schedule{Interval: time.Hour, Timeout: time.Second, Fall: 1, Rise: 1}}
}

// pathRunner is a runner whose probe fails with the path.
func pathRunner(t *testing.T) *runner[pathConfig] {
	r := newRunner(Host{Logger: hclog.NewNullLogger()}, false, func(_ context.Context, _ Target, c pathConfig) error {
		return errors.New(c.Path)
	}, nil)
	t.Cleanup(func() { r.Stop(context.Background(), false) })
	return r
}

func TestARunnerKeepsTheConfigurationsThatAreUsed(t *testing.T) {
	r := pathRunner(t)
	for i, step := range []struct {
		u    TargetUpdate
		want int
	}{
		{TargetUpdate{Full: true, Targets: []Target{configured("a", "/1"), configured("b", "/1"), configured("c", "/2")}}, 2},
		{TargetUpdate{Removed: []string{"a"}}, 2},
		{TargetUpdate{Removed: []string{"b", "nobody"}}, 1},
		{TargetUpdate{Targets: []Target{configured("c", "/3")}}, 1},
		{TargetUpdate{Targets: []Target{configured("c", "/3"), configured("d", "/4")}, Removed: []string{"d"}}, 2},
		{TargetUpdate{Full: true, Targets: []Target{configured("e", "/5")}}, 1},
		{TargetUpdate{Full: true}, 0},
	} {
		if err := r.Apply(t.Context(), step.u); err != nil {
			t.Fatal(err)
		}
		if n := len(r.configs); n != step.want {
			t.Errorf("after step %d it keeps %d configurations, want %d", i, n, step.want)
		}
	}
}

func TestARunnerRefusesAnUpdateThatItCannotReadAsAWhole(t *testing.T) {
	r := pathRunner(t)
	if err := r.Apply(t.Context(), TargetUpdate{Full: true, Targets: []Target{configured("a", "/1")}}); err != nil {
		t.Fatal(err)
	}
	err := r.Apply(t.Context(), TargetUpdate{Full: true, Targets: []Target{configured("b", "/2"), configured("c", "no slash")}})
	if err == nil || err.Error() != `target "c": path: it must begin with /` {
		t.Errorf("it says %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r.Watch(ctx, func(rep CheckReport) {
		for _, v := range rep.Verdicts {
			if v.TargetID != "a" {
				t.Errorf("it probes %q of an update that it has refused", v.TargetID)
			}
			if v.State == StateDown {
				cancel()
			}
		}
	})
}

func TestARunnerProbesAConfigurationThatItDoesNotKeep(t *testing.T) {
	r := pathRunner(t)
	if err := r.Probe(t.Context(), configured("x", "/once")); err == nil || err.Error() != "/once" {
		t.Errorf("probing once says %v", err)
	}
	if err := r.Probe(t.Context(), configured("x", "no slash")); err == nil || !strings.Contains(err.Error(), "must begin with /") {
		t.Errorf("probing once with a wrong configuration says %v", err)
	}
}
