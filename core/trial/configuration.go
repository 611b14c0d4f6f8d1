package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Configuration reads the body of a block of the plugin's type, in HCL or as a JSON object, as it is read from a file: checked
// against the schema and by the plugin, defaults filled in. The error has the diagnostics.
func (t *Trial) Configuration(body string) (json.RawMessage, error) {
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		var err error
		if body, err = fromJSON(t.Info.Schema, []byte(body)); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "ek")
	if err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	defer os.RemoveAll(dir)
	text := fmt.Sprintf("plugin %q %q {\n  path   = %q\n  sha256 = %q\n}\n", t.Info.Kind, t.Info.Name, t.Path, t.SHA256)
	if err := os.WriteFile(filepath.Join(dir, "plugin.hcl"), []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	path := filepath.Join(dir, "config.hcl")
	if err := os.WriteFile(path, []byte(t.block(body)), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	cfg, said, err := core.Check(nil, []string{dir}, false)
	if errors.As(err, new(*core.ConfigError)) {
		return nil, errors.New(strings.TrimRight(strings.ReplaceAll(said, path, "--config"), "\n"))
	}
	if err != nil {
		return nil, err
	}
	return of(cfg), nil
}

// block is one of the type around a body, with what the language wants beside it.
func (t *Trial) block(body string) string {
	switch t.Info.Kind {
	case sdk.KindNotify:
		return fmt.Sprintf("notify %q \"trial\" {\n%s\n  on = [\"check\"]\n}\n", t.Info.Name, body)
	case sdk.KindProvision:
		return fmt.Sprintf("provision %q \"trial\" {\n%s\n  virtual_servers = [virtual_server.trial]\n}\n", t.Info.Name, body) +
			"virtual_server \"trial\" {\n  fwmark  = 1\n  forward = \"dr\"\n  real_server \"192.0.2.1\" {}\n}\n"
	}
	return fmt.Sprintf("check %q \"trial\" {\n%s\n}\n", t.Info.Name, body)
}

// of is the one block's configuration.
func of(cfg *config.Config) json.RawMessage {
	switch {
	case len(cfg.Notifies) > 0:
		return cfg.Notifies[0].Config
	case len(cfg.Provisions) > 0:
		return cfg.Provisions[0].Config
	}
	return cfg.Checks[0].Config
}

// fromJSON writes a JSON object as the body of a block: JSON's values are HCL's expressions, but blocks are written
// otherwise.
func fromJSON(s sdk.Schema, object []byte) (string, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		return "", fmt.Errorf("reading the configuration %s: %w", object, err)
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		i := slices.IndexFunc(s.Blocks, func(t sdk.BlockType) bool { return t.Name == name })
		if i < 0 {
			fmt.Fprintf(&b, "%s = %s\n", name, literal(value))
			continue
		}
		all := []json.RawMessage{value}
		if s.Blocks[i].Repeated {
			if err := json.Unmarshal(value, &all); err != nil {
				return "", fmt.Errorf("reading the blocks %s: %w", name, err)
			}
		}
		for _, one := range all {
			inner, err := fromJSON(s.Blocks[i].Schema, one)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "%s {\n%s}\n", name, inner)
		}
	}
	return b.String(), nil
}

// literal is a JSON value as an expression, in which nothing is a template.
func literal(value json.RawMessage) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(value))
}
