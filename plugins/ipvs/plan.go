package ipvs

import (
	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
)

// A plan is what leads from what the kernel holds to what it should hold, in an order in which no service ever has fewer
// or lighter real servers than before and after:
//
//  1. daemons that must go (they stand in the way of real servers of the other family), time-outs
//  2. new services, each with its real servers
//  3. in each service that stays: real servers that come or gain weight, then the service's own settings, then real
//     servers that lose weight or go. The settings come between, because flags such as sh-fallback must be on before a
//     weight falls to 0 and off only after it has risen.
//  4. services that go
//  5. daemons that come
//
// The rules for packets have their own place, before and after it all: see Balancer.mark.
type plan []step

// A step is an operation and what it is called in a report of its failure.
type step struct {
	kernel.Op
	what string
}

// planOf compares two tables. With only, nothing but those services is looked at. Services in leave are not touched.
func planOf(have, want *table, only []kernel.ServiceKey, leave map[kernel.ServiceKey]bool) plan {
	var p plan
	add := func(what string, o kernel.Op) { p = append(p, step{o, what}) }
	all := only == nil
	if all {
		for _, backup := range []bool{false, true} {
			is, running := have.daemons[backup]
			should, wanted := want.daemons[backup]
			if running && (!wanted || !sameDaemon(is, should)) {
				add("stop "+daemonName(backup), kernel.Op{Command: kernel.DelDaemon, Daemon: is})
			}
		}
		if timeoutsOver(have.timeouts, want.timeouts) != have.timeouts {
			add("set time-outs", kernel.Op{Command: kernel.SetConfig, Timeouts: want.timeouts})
		}
		only = want.keys()
	}
	for _, k := range only {
		if s := want.services[k]; s != nil && have.services[k] == nil && !leave[k] {
			add("add service", kernel.Op{Command: kernel.NewService, Service: s.Service})
			for _, d := range s.sorted() {
				add("add real server", kernel.Op{Command: kernel.NewDestination, Service: s.Service, Destination: s.destinations[d]})
			}
		}
	}
	for _, k := range only {
		if is, should := have.services[k], want.services[k]; is != nil && should != nil && !leave[k] {
			p = append(p, changes(is, should)...)
		}
	}
	if all {
		only = have.keys()
	}
	for _, k := range only {
		if is := have.services[k]; is != nil && want.services[k] == nil && !leave[k] {
			add("remove service", kernel.Op{Command: kernel.DelService, Service: is.Service})
		}
	}
	if all {
		for _, backup := range []bool{false, true} {
			is, running := have.daemons[backup]
			if should, wanted := want.daemons[backup]; wanted && !(running && sameDaemon(is, should)) {
				add("start "+daemonName(backup), kernel.Op{Command: kernel.NewDaemon, Daemon: should})
			}
		}
	}
	return p
}

// changes are the steps from one state of a service to another.
func changes(is, should *service) (up []step) {
	var down []step
	for _, k := range should.sorted() {
		before, exists := is.destinations[k]
		after := should.destinations[k]
		op := kernel.Op{Command: kernel.SetDestination, Service: should.Service, Destination: after}
		switch {
		case !exists:
			op.Command = kernel.NewDestination
			up = append(up, step{op, "add real server"})
		case before == after:
		case after.Weight < before.Weight:
			down = append(down, step{op, changeName(before, after)})
		default:
			up = append(up, step{op, changeName(before, after)})
		}
	}
	for _, k := range is.sorted() {
		if _, stays := should.destinations[k]; !stays {
			op := kernel.Op{Command: kernel.DelDestination, Service: should.Service, Destination: is.destinations[k]}
			down = append(down, step{op, "remove real server"})
		}
	}
	if is.Service != should.Service {
		what := "change service"
		if is.Scheduler != should.Scheduler {
			what = "change scheduler"
		}
		up = append(up, step{kernel.Op{Command: kernel.SetService, Service: should.Service}, what})
	}
	return append(up, down...)
}

func changeName(before, after kernel.Destination) string {
	before.Weight = after.Weight
	if before == after {
		return "change weight"
	}
	return "change real server"
}

// ops are a plan's operations.
func (p plan) ops() []kernel.Op {
	list := make([]kernel.Op, len(p))
	for i, s := range p {
		list[i] = s.Op
	}
	return list
}
