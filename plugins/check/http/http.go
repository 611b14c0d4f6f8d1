// Package http is the check type "http": a target is up when it answers a request by http or https as it should.
package http

import (
	"context"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin returns the check type.
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "http",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "up when it answers a request by http or https as it should", Egress: true},
	}, newProber().probe)
}

// A prober probes, and remembers what it has compiled.
type prober struct{ plans plans }

func newProber() *prober { return &prober{plans: plans{byConfig: make(map[string]*plan)}} }

// probe makes all requests in turn, until an answer is not as it should be. The connection is closed after it.
func (p *prober) probe(ctx context.Context, t sdk.Target, c Config) error {
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
