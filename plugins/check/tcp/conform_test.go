package tcp

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Bad: []sdktest.Bad{{Config: `{"send":"x"}`, Path: "send"}},
		Up: func(t *testing.T) sdk.Target {
			_, target := listen(t, "127.0.0.1")
			return target
		},
		Down: func(t *testing.T) sdk.Target {
			l, target := listen(t, "127.0.0.1")
			l.Close()
			return target
		},
	})
}
