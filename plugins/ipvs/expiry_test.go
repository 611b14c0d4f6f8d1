package ipvs

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

func TestTheKernelForgetsClientsOfServersThatAreOut(t *testing.T) {
	got := map[string]string{}
	letGo(func(name, value string) (bool, error) {
		got[name] = value
		return true, nil
	}, hclog.NewNullLogger())
	want := map[string]string{"net/ipv4/vs/expire_nodest_conn": "1", "net/ipv4/vs/expire_quiescent_template": "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestAKernelThatDoesNotForgetIsAWarning(t *testing.T) {
	var log strings.Builder
	letGo(func(string, string) (bool, error) { return false, errors.New("read-only file system") },
		hclog.New(&hclog.LoggerOptions{Output: &log}))
	if !strings.Contains(log.String(), "[WARN]") || !strings.Contains(log.String(), "read-only file system") {
		t.Errorf("the log says %q", log.String())
	}
}
