package ipvs

import (
	"slices"

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

// A step is an operation and what it is called in a report of its failure. It is made of the tables' own values, because an
// operation has room for everything, and of a large table there are many.
type step struct {
	command kernel.Command
	what    string
	service *service              // nil: it is about none
	server  kernel.DestinationKey // of the service
	other   *kernel.Op            // what is not about a service
}

// op is the operation.
func (s *step) op() kernel.Op {
	if s.service == nil {
		return *s.other
	}
	o := kernel.Op{Command: s.command, Service: s.service.Service}
	switch s.command {
	case kernel.NewDestination, kernel.SetDestination:
		o.Destination = s.service.destinations[s.server]
	case kernel.DelDestination:
		o.Destination.DestinationKey = s.server
	}
	return o
}

// planOf compares two tables. With only, nothing but those services is looked at. Services in leave are not touched.
func planOf(have, want *table, only []kernel.ServiceKey, leave map[kernel.ServiceKey]bool) plan {
	var p plan
	add := func(what string, o kernel.Op) { p = append(p, step{command: o.Command, what: what, other: &o}) }
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
		n := 0
		for k, s := range want.services {
			if have.services[k] == nil {
				n += 1 + len(s.destinations)
			}
		}
		p = slices.Grow(p, n)
	}
	for _, k := range only {
		if s := want.services[k]; s != nil && have.services[k] == nil && !leave[k] {
			p = append(p, step{command: kernel.NewService, what: "add service", service: s})
			for _, d := range s.sorted() {
				p = append(p, step{command: kernel.NewDestination, what: "add real server", service: s, server: d})
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
			p = append(p, step{command: kernel.DelService, what: "remove service", service: is})
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
	if is.same(should) {
		return nil
	}
	var down []step
	for _, k := range should.sorted() {
		before, exists := is.destinations[k]
		after := should.destinations[k]
		to := step{command: kernel.SetDestination, what: changeName(before, after), service: should, server: k}
		switch {
		case !exists:
			to.command, to.what = kernel.NewDestination, "add real server"
			up = append(up, to)
		case before == after:
		case after.Weight < before.Weight:
			down = append(down, to)
		default:
			up = append(up, to)
		}
	}
	for _, k := range is.sorted() {
		if _, stays := should.destinations[k]; !stays {
			down = append(down, step{command: kernel.DelDestination, what: "remove real server", service: should, server: k})
		}
	}
	if is.Service != should.Service {
		what := "change service"
		if is.Scheduler != should.Scheduler {
			what = "change scheduler"
		}
		up = append(up, step{command: kernel.SetService, what: what, service: should})
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
