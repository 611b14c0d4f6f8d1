// Package http is the check type "http": a target is up when it answers a request by http or https as it should.
package http

import (
	"context"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/switchboard"
)

// Plugin returns the check type.
func Plugin() sdk.Plugin {
	return sdk.NewProber(sdk.Info{
		Name:    "http",
		Version: "1.1.0",
		Schema:  sdk.Schema{Doc: "up when it answers a request by http or https as it should", Egress: true},
	}, func(sdk.Host) (sdk.Prober[Config], error) { return newProber() })
}

// A prober probes, and remembers what it has compiled. It asks all servers at once to which one plain request is to be made,
// and the others one by one.
type prober struct {
	*switchboard.Board
	plans plans
}

func newProber() (*prober, error) {
	b, err := switchboard.New()
	if err != nil {
		return nil, err
	}
	return &prober{Board: b, plans: plans{byConfig: make(map[string]*plan)}}, nil
}

// Takes implements sdk.Starter.
func (p *prober) Takes(t sdk.Target, c Config) bool {
	plan, err := p.plans.of(t.Config, c)
	return err == nil && plan.plain() && switchboard.Takes(t)
}

// Start implements sdk.Starter.
func (p *prober) Start(n int, t sdk.Target, c Config) {
	plan, _ := p.plans.of(t.Config, c) // which Takes has seen
	p.Board.Start(n, t, talk{plan})
}

// Probe implements sdk.Prober: it makes all requests in turn, until an answer is not as it should be. The connection is
// closed after it.
func (p *prober) Probe(ctx context.Context, t sdk.Target, c Config) error {
	plan, err := p.plans.of(t.Config, c)
	if err != nil {
		return err
	}
	r := &round{target: t, plan: plan}
	defer r.close()
	for i, request := range plan.requests {
		if err := r.ask(ctx, request, i == len(plan.requests)-1); err != nil {
			return err
		}
	}
	return nil
}
