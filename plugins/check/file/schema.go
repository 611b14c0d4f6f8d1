package file

import (
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "file" may hold beside what every check has.
type Config struct {
	Path    string `attr:"path" required:"true" doc:"the file, with its whole path"`
	Missing string `attr:"missing" default:"down" oneof:"up,down" doc:"what it means when there is no such file"`
}

// Validate refuses what cannot work. Whether the file is there is a matter of the machine that reads it.
func (c Config) Validate() []sdk.Diagnostic {
	if !filepath.IsAbs(c.Path) || strings.ContainsRune(c.Path, 0) {
		return []sdk.Diagnostic{{Path: []string{"path"}, Summary: "not a whole path", Detail: `Write it from / on: "/data/drain/web1".`}}
	}
	return nil
}
