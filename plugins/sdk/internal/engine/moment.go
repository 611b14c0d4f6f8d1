package engine

import "time"

// A moment is a time in nanoseconds since the engine's start, by the monotonic clock: small and cheap to compare.
type moment int64

// never is later than every moment.
const never moment = 1<<63 - 1

// now returns the present moment.
func (e *Engine) now() moment { return moment(time.Since(e.start)) }

// tick is the granularity of the schedule: what is due within one tick is started with one wake-up. At ten thousand
// probes a second that is a tenth of the wake-ups.
const tick = moment(time.Millisecond)

// ceil returns the first tick at or after m.
func ceil(m moment) moment {
	if m > never-tick {
		return never
	}
	return (m + tick - 1) / tick * tick
}

// firstPerSecond is how many first probes may start in a second, as long as the interval allows it.
const firstPerSecond = 1000

// phase returns the place of the i-th of n targets inside its interval: they are spread evenly over it.
func phase(i, n int, interval time.Duration) time.Duration {
	return time.Duration(float64(interval) * float64(i) / float64(n))
}

// first returns when the i-th of n new targets is probed for the first time. A few targets need not wait for their
// phases: first probes come at firstPerSecond, which gives a full picture of a hundred targets after 0.1 s. Of many
// targets, each is probed once within its interval.
func first(i, n int, interval time.Duration) time.Duration {
	return min(phase(i, n, interval), time.Duration(i)*time.Second/firstPerSecond)
}

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
