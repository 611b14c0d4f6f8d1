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

// probe connects, asks, and judges the answer. The connection is used for this one request and closed after it, with
// whatever is left of the body: closing the body would read all of it.
func (p *prober) probe(ctx context.Context, t sdk.Target, c Config) error {
	plan, err := p.plans.of(t.Config, c)
	if err != nil {
		return err
	}
	line, err := connect(ctx, t, plan)
	if err != nil {
		return err
	}
	defer line.close()
	answer, err := line.ask(ctx)
	if err != nil {
		return err
	}
	if err := plan.judgeStatus(answer.StatusCode); err != nil {
		return err
	}
	if c.MaxBody == 0 {
		return nil
	}
	body, err := line.read(ctx, answer)
	if err != nil {
		return err
	}
	return plan.judgeBody(body)
}
