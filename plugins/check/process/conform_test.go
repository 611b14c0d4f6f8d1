package process

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"name":"nginx","user":"www-data","min":2,"max":8}`,
			`{"name":"^nginx: master","match":"command"}`,
			`{"name":"dhclient","min":0,"max":1}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"name":""}`, Path: "name"},
			{Config: `{"name":"/usr/sbin/nginx"}`, Path: "name"},
			{Config: `{"name":"a","match":"b"}`, Path: "match"},
			{Config: `{"name":"(","match":"command"}`, Path: "name"},
			{Config: `{"name":"a","min":-1}`, Path: "min"},
			{Config: `{"name":"a","min":0}`, Path: "min"},
			{Config: `{"name":"a","min":3,"max":2}`, Path: "max"},
		},
		Up: func(t *testing.T) sdk.Target {
			comm, err := os.ReadFile("/proc/self/comm")
			if err != nil {
				t.Fatal(err)
			}
			return sdk.Target{Config: fmt.Appendf(nil, `{"name":%q}`, strings.TrimSpace(string(comm)))}
		},
		Down: func(*testing.T) sdk.Target { return sdk.Target{Config: []byte(`{"name":"no-such-program"}`)} },
	})
}
