package director

import (
	"fmt"
	"math"
)

// A quorum is what is known of a quorum.
type quorum uint8

const (
	neverSeen quorum = iota // nothing before the first decision
	gained
	lost
)

// String returns "gained" or "lost".
func (q quorum) String() string {
	switch q {
	case gained:
		return "gained"
	case lost:
		return "lost"
	}
	return "never seen"
}

// next returns the quorum's state at weight w.
func (q quorum) next(w, quorum, hysteresis uint64) quorum {
	threshold := quorum
	switch q {
	case gained:
		threshold = loseBelow(quorum, hysteresis)
	case lost:
		threshold = gainAt(quorum, hysteresis)
	}
	if w == 0 || w < threshold {
		return lost
	}
	return gained
}

// gainAt returns the weight at which a lost quorum is gained.
func gainAt(quorum, hysteresis uint64) uint64 {
	if hysteresis > math.MaxUint64-quorum {
		return math.MaxUint64
	}
	return quorum + hysteresis
}

// loseBelow returns the weight below which a gained quorum is lost.
func loseBelow(quorum, hysteresis uint64) uint64 { return quorum - min(quorum, hysteresis) }

// quorumReason says in words which threshold W has crossed.
func (vs *virtualServer) quorumReason() string {
	q, h := vs.cfg.Quorum, vs.cfg.Hysteresis
	switch {
	case vs.quorum == gained:
		return fmt.Sprintf("the weight of the up servers, %d, has reached %d", vs.sum, max(1, gainAt(q, h)))
	case vs.sum == 0:
		return "no server with a weight is up"
	}
	return fmt.Sprintf("the weight of the up servers, %d, is below %d", vs.sum, loseBelow(q, h))
}
