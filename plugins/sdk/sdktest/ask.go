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

// AskBySchedule is Ask of a probe that the plugin begins by itself, as in a director: that of its sdk.Starter, if there is
// one. It has failed when its time-out is over.
func AskBySchedule(t testing.TB, p sdk.Plugin, target sdk.Target, config string, timeout time.Duration) (reason string) {
	t.Helper()
	conn, done := sdk.ServeInProcess(p, nil)
	defer done()
	client := sdk.NewPluginClient(conn)
	if _, err := client.Describe(t.Context(), "sdktest", false); err != nil {
		t.Fatal(err)
	}
	target.ID, target.Config = "t", json.RawMessage(config)
	target.Schedule = sdk.Schedule{Interval: timeout, Timeout: timeout, Fall: 1, Rise: 1}
	checker := sdk.NewCheckerClient(conn)
	if err := checker.Apply(t.Context(), sdk.TargetUpdate{Full: true, Targets: []sdk.Target{target}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout+patience)
	defer cancel()
	said := false
	_ = checker.Watch(ctx, func(r sdk.CheckReport) { // an error in any case
		for _, v := range r.Verdicts {
			if v.State != sdk.StateUnknown && !said {
				reason, said = v.Reason, true
				cancel()
			}
		}
	})
	if !said {
		t.Error("there is no verdict")
	}
	if err := client.Stop(t.Context(), patience, false); err != nil {
		t.Error(err)
	}
	return reason
}
