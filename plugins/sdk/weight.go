package sdk

import (
	"context"
	"fmt"
	"strconv"
	"sync"
)

// A Factor is what a check says of the weight of its real server: that it should be so many percent of the configured one.
// The zero Factor says nothing; of several checks that say something the smallest counts. It is always a part of what the
// configuration says and never of what the weight was before, so that it can't add up.
type Factor uint16 // the percentage and 1

// MaxPercent is the largest Factor: ten times the configured weight.
const MaxPercent = 1000

// FactorOf returns the Factor of a percentage: 0 is a real server without new connections, 100 one with its configured
// weight. What is below 0 is taken for 0, what is above MaxPercent for that.
func FactorOf(percent int) Factor { return Factor(min(max(percent, 0), MaxPercent) + 1) }

// Percent returns the percentage. ok is false for a Factor that says nothing, whose percentage is 100.
func (f Factor) Percent() (percent int, ok bool) {
	if f == 0 {
		return 100, false
	}
	return int(f) - 1, true
}

// String returns the percentage, as "33%"; without one, as "100%", what it comes to.
func (f Factor) String() string {
	percent, _ := f.Percent()
	return strconv.Itoa(percent) + "%"
}

// SetWeight says, from within a probe of NewCheck, what weight the real server should have if the probe succeeds, in percent
// of the configured one: see FactorOf. reason is for the operator: "the agent says 33%". The last call counts. A probe that
// does not call it takes back what the one before has said; so the weight is the one that the last successful probe asks
// for, and no rise or fall delays it. A probe that fails changes no weight.
//
// The type must declare it with Weighs in its schema; it panics otherwise, within a plugin.
func SetWeight(ctx context.Context, percent int, reason string) {
	w, ok := ctx.Value(weighingKey{}).(*weighing)
	if !ok {
		if _, plugin := ctx.Value(hostKey{}).(Host); plugin {
			panic("a weight is said by a type that does not declare it: set Weighs in its schema")
		}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.factor, w.reason = FactorOf(percent), reason
}

// KeepWeight is for a probe that only asks for a weight, and got no answer: by its error. A target that is up stays so with
// the weight that it has, and one that nothing is known of is up; one that is down stays that, for the reason of err.
func KeepWeight(ctx context.Context, t Target, err error) error {
	if t.Initial == StateDown || ctx.Err() == context.Canceled {
		return err
	}
	if percent, ok := t.Factor.Percent(); ok {
		SetWeight(ctx, percent, fmt.Sprintf("%d%% as before: %v", percent, err))
	}
	return nil
}

// Weighing returns a context under which SetWeight is heard, and what it has said: for tests of a probe, and for engines.
func Weighing(ctx context.Context) (context.Context, func() (f Factor, reason string)) {
	w := &weighing{}
	return context.WithValue(ctx, weighingKey{}, w), func() (Factor, string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.factor, w.reason
	}
}

// A weighing is what one probe has said of the weight.
type weighing struct {
	mu     sync.Mutex
	factor Factor
	reason string
}

type weighingKey struct{}
