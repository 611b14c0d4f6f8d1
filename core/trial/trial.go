// Package trial puts the rules of the plugin contract to an executable file, whatever it was written in. The file is
// started as the core starts somebody else's plugin, with the same confinement, and told that this is a dry run.
package trial

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// A Trial is a file that says it is a plugin. Make one with Open, and Close it.
type Trial struct {
	Info   sdk.Info // what it says of itself
	Path   string   // the whole path
	SHA256 string   // of the file, in hexadecimal digits

	supervisor *supervisor.Supervisor
}

// Open starts the plugin once, and asks it what it is. A file that is no plugin, or one that breaks the contract before it
// has said what it is, is an error; a supervisor.Fault knows what its author can do. The plugin's words go to the log.
func Open(ctx context.Context, path string, log hclog.Logger) (*Trial, error) {
	t := &Trial{}
	var err error
	if t.Path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("finding the plugin: %w", err)
	}
	if t.SHA256, err = supervisor.Sum(t.Path); err != nil {
		return nil, err
	}
	if t.supervisor, err = supervisor.NewTemporary(supervisor.Options{Logger: log, Version: "test"}); err != nil {
		return nil, err
	}
	d, err := t.supervisor.Describe(ctx, supervisor.Plugin{Path: t.Path, SHA256: t.SHA256})
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	t.Info = d.Info
	d.Close()
	if !slices.Contains([]sdk.Kind{sdk.KindCheck, sdk.KindNotify, sdk.KindProvision}, t.Info.Kind) {
		return nil, errors.Join(fmt.Errorf("%s is a plugin of the kind %s; those of others are checks, notify and provision plugins", path, t.Info.Kind), t.Close())
	}
	return t, nil
}

// Close ends what is left of the plugin.
func (t *Trial) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), contract.Patience)
	defer cancel()
	return t.supervisor.Stop(ctx, supervisor.Ending{})
}

// An Answer is what came of one rule.
type Answer struct {
	Rule  string
	Wrong []string // empty: the plugin keeps it
}

// Ask puts all rules to the plugin, each to a process of its own, and tells the answers. Of s it needs what the author
// knows of the plugin: good and bad configurations, and of a check its targets.
func (t *Trial) Ask(ctx context.Context, s contract.Subject, tell func(Answer)) {
	s.Info, s.DryRun = t.Info, true
	for _, r := range contract.Rules() {
		switch {
		case !r.Of(&s):
		case r.Served:
			tell(Answer{Rule: r.Name, Wrong: t.served(ctx, s, func(ctx context.Context, s *contract.Subject, _ *process) []string {
				return r.Ask(ctx, s)
			})})
		default:
			tell(Answer{Rule: r.Name, Wrong: r.Ask(ctx, &s)})
		}
	}
	for _, r := range processRules {
		tell(Answer{Rule: r.name, Wrong: t.served(ctx, s, r.ask)})
	}
}

// served starts the plugin for one rule, and holds its session while that is asked.
func (t *Trial) served(ctx context.Context, s contract.Subject, ask func(context.Context, *contract.Subject, *process) []string) []string {
	d, err := t.supervisor.Describe(ctx, supervisor.Plugin{Kind: t.Info.Kind, Name: t.Info.Name, Path: t.Path, SHA256: t.SHA256})
	if err != nil {
		return []string{"it does not start again: " + err.Error()}
	}
	s.Conn = d.Instance().Conn()
	p := hold(ctx, d)
	defer p.leave() // after Stop, as a core does
	defer d.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.hangs, cancel)()
	wrong := ask(ctx, &s, p)
	if p.hangs.Err() != nil {
		wrong = append(wrong, "it hangs: "+context.Cause(p.hangs).Error())
	}
	return wrong
}

// A process is one of the plugin's, with the session that a core would hold.
type process struct {
	*supervisor.Description
	leave   context.CancelFunc // ends the session, as a core that is gone
	session chan error         // why it ended
	hangs   context.Context    // ends when the plugin does not answer any more, and says so
}

// The session's times are short, so that one that does not answer is seen soon.
const (
	beat    = 200 * time.Millisecond
	silence = 3 * time.Second
)

func hold(ctx context.Context, d *supervisor.Description) *process {
	p := &process{Description: d, session: make(chan error, 1)}
	ctx, p.leave = context.WithCancel(ctx)
	var hangs context.CancelCauseFunc
	p.hangs, hangs = context.WithCancelCause(context.Background())
	go func() {
		err := sdk.NewPluginClient(d.Instance().Conn()).Session(ctx, beat, silence, nil)
		if _, broken := errors.AsType[*sdk.CallError](err); !broken && ctx.Err() == nil {
			hangs(err)
		}
		p.session <- err
	}()
	return p
}

// ends says whether the process has ended within a time.
func (p *process) ends(within time.Duration) bool {
	select {
	case <-p.Ended():
		return true
	case <-time.After(within):
		return false
	}
}
