package supervisor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/badplugin"
)

// told applies one target and watches, as the core does.
func told(ctx context.Context, in *Instance) error { return toldWithin(patience)(ctx, in) }

// toldWithin is told by one who does not wait longer.
func toldWithin(timeout time.Duration) func(context.Context, *Instance) error {
	return func(ctx context.Context, in *Instance) error {
		c := in.Checker()
		call, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if err := c.Apply(call, sdk.TargetUpdate{Generation: 1, Full: true, Targets: []sdk.Target{target("x")}}); err != nil {
			return err
		}
		return c.Watch(ctx, func(sdk.CheckReport) {})
	}
}

// whatBadPluginsCost is, for each way of being bad, what its status says.
var whatBadPluginsCost = map[string]struct {
	says   string // part of LastError; "": it just runs
	logged string // part of the log
}{
	"exits-at-once":     {says: "it died: exit status 1: my licence has expired"},
	"silent":            {says: "connecting to it took more than"},
	"prints-first":      {says: `it printed "Welcome to my plugin!" before its handshake`},
	"endless-line":      {says: `it printed "never ends never ends`},
	"other-version":     {says: "it speaks version 99 of the plugin contract, and this evenkeel version 1"},
	"elsewhere":         {says: "it listens on unix /tmp/elsewhere, not on a socket in "},
	"over-tcp":          {says: "it listens on tcp 127.0.0.1:1, not on a socket in "},
	"other-process":     {says: "at its socket is process "},
	"lies-about-name":   {says: `it calls itself check "somebody-else", and was started as check "lies-about-name"`},
	"lies-about-kind":   {says: `it calls itself notify "lies-about-kind", and was started as check`},
	"lies-about-schema": {says: `attribute "size": its default: "forty-two" is not a whole number`},
	"deep-schema":       {says: "blocks lie more than 8 deep"},
	"no-service":        {says: "a check plugin without the service evenkeel.plugin.v1.CheckService"},
	"hangs-in-describe": {says: "it hangs: asking what it is took more than"},
	"quits-describing":  {says: "it hangs: asking what it is took more than"},
	"panics-in-open":    {says: "panic in opening the plugin: no hands", logged: "badplugin.go"},
	"dies-in-apply":     {says: "it died: exit status 3"},
	"panics-in-apply":   {says: "panic in /evenkeel.plugin.v1.CheckService/Apply: not a target", logged: "badplugin.go"},
	"panics-beside":     {says: "it died: exit status 2: panic: in a goroutine of my own"},
	"hangs-in-apply":    {says: "DeadlineExceeded"},
	"forks":             {says: "it died: signal: killed"},
	"huge-message":      {says: "ResourceExhausted"},
	"stops-itself":      {says: "it hangs: no answer for 2s"},
	"grows":             {says: "MiB of memory, and may use 100"},
	"floods-log":        {logged: "the plugin logs too much: lines_dropped="},
	"floods-stdout":     {logged: "the plugin logs too much: lines_dropped="},
	"panics-in-probe":   {logged: "what is a target?"},
	"hangs-in-stop":     {},
	"good":              {},
}

func TestABadPluginCostsItsOwnFunctionAndNothingElse(t *testing.T) {
	for _, way := range badplugin.Ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			want, ok := whatBadPluginsCost[way]
			if !ok {
				t.Fatal("nobody says what this one costs")
			}
			attach := told
			b := newBench(t, func(o *Options) {
				switch way { // what hangs is not waited for
				case "silent", "hangs-in-describe":
					o.StartTimeout = 2 * time.Second
				case "hangs-in-apply":
					attach = toldWithin(time.Second)
				case "stops-itself":
					o.Silence = 2 * time.Second
				}
				o.StopTimeout = time.Second
			})
			table := b.privilegesOf
			b.privilegesOf = func(p Plugin) Privileges {
				priv := table(p)
				if p.Name == "grows" {
					priv.Memory = 100 * mebibyte
				}
				return priv
			}
			b.Set([]Plugin{check("port", told)})
			good := b.awaitState("check-port", Running)
			b.Set([]Plugin{check("port", told), check(way, attach)})

			if want.says == "" {
				b.awaitState("check-"+way, Running)
			} else {
				// Not only once: it is started again, and does the same.
				b.await("check-"+way, "two failures with "+want.says, func(s Status) bool {
					return s.Restarts >= 2 && strings.Contains(s.LastError, want.says)
				})
			}
			if want.logged != "" {
				b.awaitLog(want.logged)
			}

			s := b.awaitState("check-port", Running)
			if s.PID != good.PID || s.Restarts != good.Restarts {
				t.Errorf("the good plugin was disturbed: %+v, at first %+v", s, good)
			}
			b.stop()
			if n := len(b.log.String()); n > 1<<20 {
				t.Errorf("the log has %d bytes", n)
			}
		})
	}
}
