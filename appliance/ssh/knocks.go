package ssh

import (
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// knocksLogged is how many lines a minute may have about strangers: a flood must not wash the box's log away.
const knocksLogged = 60

// knocks are the lines about strangers.
type knocks struct {
	mu      sync.Mutex
	since   time.Time
	lines   int
	dropped int
}

// log writes a line, or counts it, and the first line of a new minute says how many there were.
func (k *knocks) log(log hclog.Logger, text string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.since) >= time.Minute {
		if k.dropped > 0 {
			log.Warn("there were more logins that were refused, and connections without one", "count", k.dropped)
		}
		k.since, k.lines, k.dropped = time.Now(), 0, 0
	}
	if k.lines++; k.lines > knocksLogged {
		k.dropped++
		return
	}
	log.Warn(text, args...)
}
