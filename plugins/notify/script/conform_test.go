package script

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"command":["/data/scripts/start.sh","now"],"user":"root"}`},
		Bad:  []sdktest.Bad{{Config: `{"command":"/data/scripts/start.sh"}`, Path: "command"}},
	})
}
