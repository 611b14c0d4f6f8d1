package tcp

import (
	"encoding/json"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		server func(t *testing.T) sdk.Target
	}{
		"a connection": {`{}`, func(t *testing.T) sdk.Target { _, target := listen(t, "127.0.0.1"); return target }},
		"an answer": {`{"send":"ruok\r\n","expect":"imok"}`, func(t *testing.T) sdk.Target {
			return sdktest.TargetAt(sdktest.Script(t, nil, "C: ruok", "S: imok"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			configured := func(target sdk.Target) sdk.Target {
				target.Config = json.RawMessage(c.config)
				return target
			}
			sdktest.Conform(t, Plugin(), sdktest.Case{
				Good: []string{
					`{"expect":"220 "}`, `{"send":"PING\r\n","expect_match":"^.PONG"}`, `{"tls":true}`,
					`{"tls":true,"sni":"www.example.com","expect":"* OK"}`,
				},
				Bad: []sdktest.Bad{
					{Config: `{"send":"x"}`, Path: "send"},
					{Config: `{"expect":"x","expect_match":"x"}`, Path: "expect_match"},
					{Config: `{"expect_match":"("}`, Path: "expect_match"},
					{Config: `{"verify":false}`, Path: "verify"},
				},
				Up: func(t *testing.T) sdk.Target { return configured(c.server(t)) },
				Down: func(t *testing.T) sdk.Target {
					return configured(sdktest.TargetAt(sdktest.Unused(t, 1)[0]))
				},
			})
		})
	}
}

func TestHostileServers(t *testing.T) {
	for _, config := range []string{`{"expect":"evenkeel"}`, `{"send":"ruok\r\n","expect_match":"^evenkeel$"}`, `{"tls":true}`} {
		t.Run(config, func(t *testing.T) { sdktest.Survives(t, Plugin(), config) })
	}
}

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"send":"ruok\n","expect_match":"^imok"}`, "imok", "imo", "")
}
