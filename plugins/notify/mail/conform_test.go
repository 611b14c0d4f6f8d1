package mail

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"to":["dba@example.com"],"from":"evenkeel@example.com","smtp":{"server":"192.0.2.1:25"}}`},
		Bad:  []sdktest.Bad{{Config: `{"to":["dba"],"from":"evenkeel@example.com","smtp":{"server":"192.0.2.1:25"}}`, Path: "to.0"}},
	})
}
