package core

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/evenkeel/evenkeel/core/journal"
	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/load"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Check reads a configuration as Run would, without running it. text is what a person should read, warnings of a good one
// included. The error is nil for a good configuration, a *ConfigError for one with errors, and the operating system's for
// one that cannot be read.
//
// A plugin of somebody else is started, if the configuration uses it, to be asked for its schema.
func Check(plugins []sdk.Plugin, paths []string, colour bool) (cfg *config.Config, text string, err error) {
	asker := lazySupervisor{}
	defer asker.stop()
	c := newCatalog(newBuiltins(plugins), asker.describe)
	defer c.close()
	cfg, diags := load.Load(paths, loadOptions(c, nil))
	var s strings.Builder
	_ = diags.Write(&s, colour) // a strings.Builder takes everything
	switch {
	case diags.Unreadable() != nil:
		return nil, "", diags.Unreadable()
	case diags.HasErrors():
		return nil, s.String(), &ConfigError{Text: s.String()}
	}
	return cfg, s.String(), nil
}

// LastGood reads the last good configuration that a director has kept in its state folder, as it does itself when it starts and
// finds that the files have errors. The error says that there is none, or that this version finds errors in it.
func LastGood(plugins []sdk.Plugin, stateDir string) (*config.Config, error) {
	sources, ok := journal.ReadConfig(stateDir)
	if !ok {
		return nil, errors.New("no good configuration was kept")
	}
	asker := lazySupervisor{}
	defer asker.stop()
	c := newCatalog(newBuiltins(plugins), asker.describe)
	defer c.close()
	cfg, diags := load.Sources(sourcesOf(sources), loadOptions(c, nil))
	if diags.HasErrors() {
		return nil, &ConfigError{Text: diags.Text()}
	}
	return cfg, nil
}

func loadOptions(c *catalog, memory *load.Memory) load.Options {
	host, _ := os.Hostname() // without one, a configuration has to name its director
	return load.Options{Types: c, Hostname: host, Memory: memory}
}

// A lazySupervisor is made when the first plugin is to be asked: most configurations need none.
type lazySupervisor struct {
	once sync.Once
	s    *supervisor.Supervisor
	err  error
}

func (l *lazySupervisor) describe(ctx context.Context, p supervisor.Plugin) (*supervisor.Description, error) {
	l.once.Do(func() { l.s, l.err = supervisor.NewTemporary(supervisor.Options{}) })
	if l.err != nil {
		return nil, l.err
	}
	return l.s.Describe(ctx, p)
}

func (l *lazySupervisor) stop() {
	if l.s != nil {
		ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
		defer cancel()
		_ = l.s.Stop(ctx, supervisor.Ending{}) // nothing of it is left but what it says
	}
}
