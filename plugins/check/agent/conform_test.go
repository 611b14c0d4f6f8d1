package agent

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"send":"state\n","unreachable":"keep"}`},
		Bad:  []sdktest.Bad{{Config: `{"unreachable":"up"}`, Path: "unreachable"}},
		Up:   func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Greet(t, "up 75%\r\n")) },
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Greet(t, "down # disk is full\n")) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{}`, "75%\n", "up ready 100%\r\n", "down # disk is full", "drain,maint\r")
}
