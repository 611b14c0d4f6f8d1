package engine

import "time"

// A moment is a time in nanoseconds since the engine's start, by the monotonic clock: small and cheap to compare.
type moment int64

// never is later than every moment.
const never moment = 1<<63 - 1

// now returns the present moment.
func (e *Engine) now() moment { return moment(e.config.Since(e.start)) }

// A tick is the granularity of the schedule: what is due within one is started with one wake-up, which costs as much as
// two connections do. It is so long that sixteen probes share one, within these bounds, and at most a hundredth of the shortest
// time between two probes of a target.
const (
	shortTick = moment(time.Millisecond)
	longTick  = moment(10 * time.Millisecond)
	sharing   = 16
)

// tickOf returns the tick for so many probes in a second, the shortest time between two of one target being so long.
func tickOf(perSecond float64, shortest time.Duration) moment {
	if perSecond <= float64(time.Second)/float64(longTick) { // not even two would share a long one
		return shortTick
	}
	tick := moment(sharing / perSecond * float64(time.Second))
	return max(min(tick, longTick, moment(shortest/100)), shortTick)
}

// setTick sets the tick for the targets as they are.
func (e *Engine) setTick() {
	perSecond, shortest := 0.0, longest
	for k := range e.groups {
		perSecond += 1 / k.interval.Seconds()
		shortest = min(shortest, k.interval)
		if k.retry > 0 {
			shortest = min(shortest, k.retry)
		}
	}
	e.tick = tickOf(perSecond, shortest)
}

// ceil returns the first tick at or after m.
func ceil(m, tick moment) moment {
	if m > never-tick {
		return never
	}
	return (m + tick - 1) / tick * tick
}

// firstPerSecond is how many first probes of targets that nothing is known of start in a second, if the machine carries it.
const firstPerSecond = 1000

// phase returns the place of the i-th of n targets inside its interval: they are spread evenly over it.
func phase(i, n int, interval time.Duration) time.Duration {
	return time.Duration(float64(interval) * float64(i) / float64(n))
}

// first returns when the i-th of the targets that nothing is known of is probed, unless its phase comes before.
func first(i int) time.Duration { return time.Duration(i) * time.Second / firstPerSecond }

// next returns when a target is probed after the probe that was due at due. While results contradict the verdict, that is
// after the retry interval. Otherwise it is at the target's phase, at most one interval later: a target that left its
// phase for a first probe, a retry or an overrun returns to it, and the spread stays even for ever.
// What should already have been is now.
func next(t *Target, due, phase, now moment, contradicts bool) moment {
	if contradicts {
		retry := t.Retry
		if retry == 0 {
			retry = t.Interval
		}
		return max(due+moment(retry), now)
	}
	interval := moment(t.Interval)
	return max(due+interval-mod(due-phase, interval), now)
}

// mod returns a modulo b, never negative.
func mod(a, b moment) moment { return ((a % b) + b) % b }
