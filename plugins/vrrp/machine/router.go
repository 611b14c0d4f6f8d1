package machine

import "time"

// A Router is this node: all its instances and sync groups. It is not safe for concurrent use.
//
// now, in all its methods, is the time on a monotonic clock since any epoch, and never goes back. out is what actions
// are appended to; handed in again with [:0], it is not allocated again.
type Router struct {
	instances []*Instance
	queue     queue

	// During a call.
	now  time.Duration
	out  []Action
	late time.Duration
}

// New returns a Router without instances.
func New() *Router { return &Router{} }

// Advert takes in an advertisement for an instance. It must have passed every check: what is rejected changes nothing,
// not even a timer, and so never comes here.
func (r *Router) Advert(now time.Duration, in *Instance, a Advert, out []Action) []Action {
	r.begin(now, out)
	in.counters.Received++
	if a.Priority == 0 {
		in.counters.Leaving++
	}
	switch in.state {
	case Backup:
		in.backupAdvert(a)
	case Master:
		in.masterAdvert(a)
	default:
		in.counters.Ignored++
	}
	return r.end()
}

// Tick runs every timer that is due, and returns how late the latest of the protocol's timers ran (0: none was due).
//
// The caller hands in every advert that waits in its sockets before it calls Tick: after a pause of the process or of the
// whole machine a Master_Down_Timer has run out, but the adverts that deny it may be there.
func (r *Router) Tick(now time.Duration, out []Action) ([]Action, time.Duration) {
	r.begin(now, out)
	r.late = 0
	for len(r.queue) > 0 && r.queue[0].due <= now {
		r.queue[0].expire()
	}
	return r.end(), r.late
}

// Next returns when Tick has something to do, and false if no timer runs. It may have passed already.
func (r *Router) Next() (time.Duration, bool) {
	if len(r.queue) == 0 || r.queue[0].due == never {
		return 0, false
	}
	return r.queue[0].due, true
}

// Stop gives every role away: priority 0 from each master first, then the addresses go. The Router has no instances then.
func (r *Router) Stop(now time.Duration, out []Action) []Action {
	r.begin(now, out)
	r.leave(r.instances, Initialize, "stopped")
	r.instances, r.queue = nil, nil
	return r.end()
}

// Instances returns the instances in the order of the configuration. They are the Router's: read, and keep no slice.
func (r *Router) Instances() []*Instance { return r.instances }

// Instance returns the instance of a name, or nil.
func (r *Router) Instance(name string) *Instance {
	for _, in := range r.instances {
		if in.config.Name == name {
			return in
		}
	}
	return nil
}

func (r *Router) begin(now time.Duration, out []Action) { r.now, r.out = now, out }

func (r *Router) emit(a Action) { r.out = append(r.out, a) }

func (r *Router) end() []Action {
	out := r.out
	r.out = nil
	return out
}
