// Package load is check "load": a real server that has much to do gets less of its weight. The server is asked for its load by
// SSH or SNMP.
package load

import (
	"context"
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "load".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name: "load", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Weighs a real server by its load, as it says by SSH or SNMP.", Weighs: true, Egress: true},
	}, probe)
}

// A measure is what a server says of itself.
type measure struct {
	load       float64 // the average number of processes that run or wait
	processors int
}

// perProcessor is what the marks are about.
func (m measure) perProcessor() float64 { return m.load / float64(max(m.processors, 1)) }

// String returns the words for an operator.
func (m measure) String() string {
	if m.processors == 1 {
		return fmt.Sprintf("load %.2f on 1 processor", m.load)
	}
	return fmt.Sprintf("load %.2f on %d processors", m.load, m.processors)
}

func probe(ctx context.Context, t sdk.Target, c Config) error {
	ask := c.askSSH
	if c.SNMP != nil {
		ask = c.askSNMP
	}
	m, err := ask(ctx, t)
	switch {
	case err != nil && c.Unreachable == "keep":
		return sdk.KeepWeight(ctx, t, err)
	case err != nil:
		return err
	}
	sdk.SetWeight(ctx, c.percent(m.perProcessor(), t.Factor), m.String())
	return nil
}

// smallestStep is how much a weight must move, in percent of the configured one, to be changed: the load is never quite the same.
const smallestStep = 5

// percent is the part of its weight that a server with a load per processor gets:
//
//	load <= low           100
//	load >= high          least
//	between               100 - (100 - least) * (load - low) / (high - low)
//
// It stays what it is while it would move by less than smallestStep.
func (c *Config) percent(load float64, now sdk.Factor) int {
	part := 100.0
	switch {
	case load >= c.High:
		part = float64(c.Least)
	case load > c.Low:
		part = 100 - float64(100-c.Least)*(load-c.Low)/(c.High-c.Low)
	}
	percent := int(part + 0.5)
	if is, said := now.Percent(); said && max(is-percent, percent-is) < smallestStep && is >= c.Least && is <= 100 {
		return is
	}
	return percent
}
