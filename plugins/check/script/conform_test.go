package script

import (
	"encoding/json"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	runs := func(program string) func(*testing.T) sdk.Target {
		config, err := json.Marshal(map[string]any{"command": []string{program}})
		if err != nil {
			t.Fatal(err)
		}
		return func(*testing.T) sdk.Target { return sdk.Target{Config: config} }
	}
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"command":["/data/scripts/nginx_alive"],"user":"nobody"}`},
		Bad: []sdktest.Bad{
			{Config: `{"command":["nginx_alive"]}`, Path: "command.0"},
			{Config: `{"command":["/a"],"user":"a b"}`, Path: "user"},
		},
		Up:   runs("/bin/true"),
		Down: runs("/bin/false"),
	})
}
