package ipvs

import (
	"context"
	"slices"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// observe reads the kernel's table with its counters. In a dry run it also says in what the table is other than it would
// be if this were none. Ten thousand real servers take a tenth of a second, for which no change of the table waits: what is
// written meanwhile may be seen or not.
func (b *Balancer) observe(ctx context.Context) (sdk.Observed, error) {
	o := sdk.Observed{DryRun: b.DryRun}
	info, err := b.Kernel.Info()
	if err != nil {
		return o, err
	}
	o.Version, o.Connections = info.Version, info.ConnTableSize
	list, err := b.Kernel.Services()
	if err != nil {
		return o, err
	}
	slices.SortFunc(list, func(x, y kernel.ServiceState) int { return compareKeys(x.ServiceKey, y.ServiceKey) })
	o.Services = make([]sdk.ObservedService, 0, len(list))
	for _, s := range list {
		if err := ctx.Err(); err != nil {
			return o, err
		}
		if s.Mark == 0 && !speakable(s.Protocol) {
			continue // somebody else's, of a protocol for which the contract has no word
		}
		destinations, err := b.Kernel.Destinations(s.ServiceKey)
		if err != nil {
			return o, err
		}
		slices.SortFunc(destinations, func(x, y kernel.DestinationState) int {
			return compareDestinations(x.DestinationKey, y.DestinationKey)
		})
		o.Services = append(o.Services, b.observed(s, destinations))
	}
	t, err := b.Kernel.Timeouts()
	if err != nil {
		return o, err
	}
	o.Timeouts = timeoutsFromKernel(t)
	daemons, err := b.Kernel.Daemons()
	if err != nil {
		return o, err
	}
	slices.SortFunc(daemons, func(x, y kernel.Daemon) int { return boolToInt(x.Backup) - boolToInt(y.Backup) })
	for _, d := range daemons {
		o.Sync = append(o.Sync, daemonFromKernel(d))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.DryRun && b.want != nil {
		is, err := readTable(b.Kernel)
		if err != nil {
			return o, err
		}
		o.Differences = differences(is, b.want.table, b.want.leave)
	}
	return o, nil
}

// observed says a service of the kernel in the core's words. What the kernel does not know, its name and match blocks and
// whether nat is fullnat, comes from the desired one.
func (b *Balancer) observed(s kernel.ServiceState, destinations []kernel.DestinationState) sdk.ObservedService {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := sdk.ObservedService{Service: serviceFromKernel(s.Service), Stats: sdk.Stats(s.Stats)}
	full := make(map[kernel.DestinationKey]bool)
	if b.want != nil {
		if w, ok := b.want.services[s.ServiceKey]; ok {
			o.Key, o.Name, o.Match = w.Key, w.Name, w.Match
			for _, d := range w.Destinations {
				if d.Forward == sdk.FullNAT {
					full[kernel.DestinationKey{Address: plain(d.Address), Port: d.Port}] = true
				}
			}
		}
	}
	for _, d := range destinations {
		if d.Forward == kernel.ForwardLocal || d.Forward == kernel.ForwardBypass {
			continue // somebody else's, by a method for which the contract has no word
		}
		od := sdk.ObservedDestination{
			Destination: destinationFromKernel(d.Destination),
			Active:      d.Active, Inactive: d.Inactive, Persistent: d.Persistent,
			Stats: sdk.Stats(d.Stats),
		}
		if full[d.DestinationKey] && d.Forward == kernel.ForwardMasq {
			od.Forward = sdk.FullNAT
		}
		o.Destinations = append(o.Destinations, od)
	}
	return o
}

func speakable(protocol uint16) bool {
	_, err := protocolNumber(protocolName(protocol))
	return err == nil
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
