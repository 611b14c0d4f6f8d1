package file

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	says := func(text string) func(*testing.T) sdk.Target {
		return func(t *testing.T) sdk.Target {
			path := sdktest.File(t, filepath.Join(t.TempDir(), "state"), text)
			return sdk.Target{Config: fmt.Appendf(nil, `{"path":%q}`, path)}
		}
	}
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"path":"/data/drain/web1","missing":"up"}`},
		Bad: []sdktest.Bad{
			{Config: `{"path":"drain"}`, Path: "path"},
			{Config: `{"path":"/drain","missing":"drain"}`, Path: "missing"},
		},
		Up:   says("50\n"),
		Down: says("maint # new disks\n"),
	})
}
