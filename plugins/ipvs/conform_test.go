package ipvs

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		DryRun: true, // it would change the table of the machine that runs the tests
	})
}
