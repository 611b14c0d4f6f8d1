package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Description is what a plugin says of itself, and a process of it that can be asked about configurations. It has been
// told that this is a dry run. It is for those that check a configuration with somebody else's types; close it.
type Description struct {
	Info sdk.Info

	once sync.Once
	in   *incarnation
}

// Describe starts a plugin, of those that run or of others, and asks what it is.
func (s *Supervisor) Describe(ctx context.Context, p Plugin) (*Description, error) {
	in, err := s.start(ctx, p, s.o.Logger.Named(p.String()), true)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p, err)
	}
	return &Description{Info: in.info, in: in}, nil
}

// Validate asks the plugin about the values of one configuration block, which are JSON with the defaults filled in.
func (d *Description) Validate(ctx context.Context, config json.RawMessage) ([]sdk.Diagnostic, error) {
	return d.in.instance().Validate(ctx, config)
}

// Close ends the process.
func (d *Description) Close() {
	d.once.Do(func() {
		d.in.stop(context.Background(), false)
		d.in.close()
	})
}
