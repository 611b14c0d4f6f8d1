package ntp

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"max_stratum":3,"max_offset":"100ms"}`},
		Bad: []sdktest.Bad{
			{Config: `{"max_stratum":0}`, Path: "max_stratum"},
			{Config: `{"max_stratum":16}`, Path: "max_stratum"},
			{Config: `{"max_offset":"0s"}`, Path: "max_offset"},
			{Config: `{"max_offset":"-1s"}`, Path: "max_offset"},
		},
		Up:   func(t *testing.T) sdk.Target { return clock(t, func([]byte) {}) },
		Down: func(t *testing.T) sdk.Target { return sdktest.NobodyAnswers(t) },
	})
}
