package supervisor

import "time"

// The times of back-off.
const (
	backoffFirst = 100 * time.Millisecond // before the second restart; the first comes at once
	backoffMost  = 30 * time.Second
	backoffDecay = 30 * time.Second // of running well, to forget one failure
)

// A backoff says how long to wait after each failure: not at all after the first, then twice as long each time. What ran
// well for a while has its failures forgotten one by one, so that a plugin that dies once a day is back at once each
// time, and one that dies each minute is not.
type backoff struct {
	failures int
	random   func() float64 // in [0, 1)
}

// after returns how long to wait when an incarnation has failed that ran for so long.
func (b *backoff) after(ran time.Duration) time.Duration {
	b.failures = max(0, b.failures-int(ran/backoffDecay)) + 1
	if b.failures == 1 {
		return 0
	}
	d := backoffMost
	if n := b.failures - 2; n < 20 {
		d = min(backoffFirst<<n, backoffMost)
	}
	return d/2 + time.Duration(b.random()*float64(d/2)) // so that many do not start at the same moment
}
