package service

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"service":"nginx","action":"reload"}`},
		Bad:  []sdktest.Bad{{Config: `{"service":"nginx","action":"explode"}`, Path: "action"}},
	})
}
