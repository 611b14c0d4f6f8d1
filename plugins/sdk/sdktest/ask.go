package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Ask makes a check plugin probe a target once, with a configuration in JSON and a time-out, and returns the reason why it
// is down; "": it is up.
func Ask(t testing.TB, p sdk.Plugin, target sdk.Target, config string, timeout time.Duration) string {
	t.Helper()
	conn, done := sdk.ServeInProcess(p, nil)
	defer done()
	if _, err := sdk.NewPluginClient(conn).Describe(t.Context(), "sdktest", false); err != nil {
		t.Fatal(err)
	}
	target.ID, target.Config = "t", json.RawMessage(config)
	target.Schedule = sdk.Schedule{Interval: timeout, Timeout: timeout, Fall: 1, Rise: 1}
	ctx, cancel := context.WithTimeout(t.Context(), timeout+patience)
	defer cancel()
	var down *sdk.DownError
	switch err := sdk.NewCheckerClient(conn).Probe(ctx, target); {
	case err == nil:
		return ""
	case errors.As(err, &down):
		return down.Reason
	default:
		t.Fatal(err)
		return ""
	}
}

// Short is the time-out that AskFor has for reasons of a time-out: long enough for an answer on a busy machine, mostly.
const Short = 300 * time.Millisecond

// AskFor is Ask with a time-out that suits the reason that is wanted: Short where it speaks of that, otherwise one that a
// busy machine does not reach.
func AskFor(t testing.TB, p sdk.Plugin, target sdk.Target, config, want string) string {
	t.Helper()
	timeout := patience
	if strings.Contains(want, Short.String()) {
		timeout = Short
	}
	return Ask(t, p, target, config, timeout)
}
