package link

import "time"

// A Debounce believes that an interface is up, or down, when it has been so for a while (keepalived's
// interface_up_down_delays). It is pure: times are given in, of any monotonic clock. Without delays it believes at once.
type Debounce struct {
	UpDelay   time.Duration
	DownDelay time.Duration

	believed bool
	seen     bool
	since    time.Duration // that seen is not what is believed
}

// NewDebounce returns one that believes what is so at the start.
func NewDebounce(up bool, upDelay, downDelay time.Duration) Debounce {
	return Debounce{UpDelay: upDelay, DownDelay: downDelay, believed: up, seen: up}
}

// Up returns what is believed.
func (d *Debounce) Up() bool { return d.believed }

// See takes in how the interface is, and says whether what is believed has changed by it.
func (d *Debounce) See(now time.Duration, up bool) (changed bool) {
	if up != d.seen {
		d.seen, d.since = up, now
	}
	return d.Expire(now)
}

// Expire says whether what is believed has changed because a delay is over. Call it at Next.
func (d *Debounce) Expire(now time.Duration) (changed bool) {
	if at, ok := d.Next(); !ok || now < at {
		return false
	}
	d.believed = d.seen
	return true
}

// Next returns when the delay that runs is over, if one does.
func (d *Debounce) Next() (at time.Duration, ok bool) {
	switch {
	case d.seen == d.believed:
		return 0, false
	case d.seen:
		return d.since + d.UpDelay, true
	}
	return d.since + d.DownDelay, true
}
