package sdktest

import (
	"context"
	"encoding/json"
	"errors"
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
