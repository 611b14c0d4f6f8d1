package grpc

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"service":"shop.v1.Cart","authority":"cart.example.com:443","tls":true,"verify":false}`,
			`{"authority":"[2001:db8::1]:50051"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"authority":"a b"}`, Path: "authority"},
			{Config: `{"authority":"http://a/"}`, Path: "authority"},
			{Config: `{"verify":false}`, Path: "verify"},
		},
		Up: func(t *testing.T) sdk.Target {
			s, target := serve(t, nil)
			s.SetServingStatus("", serving)
			return target
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestItSurvivesWhateverAServerDoes(t *testing.T) {
	for _, config := range []string{`{}`, `{"tls":true,"verify":false}`} {
		t.Run(config, func(t *testing.T) { sdktest.Survives(t, Plugin(), config) })
	}
}
