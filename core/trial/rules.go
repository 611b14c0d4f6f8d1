package trial

import (
	"context"
	"fmt"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// A processRule is one that only a process can keep, or break.
type processRule struct {
	name string
	ask  func(context.Context, *contract.Subject, *process) []string
}

var processRules = []processRule{
	{"it answers the beats of a session", answersBeats},
	{"its process ends when it has been stopped", endsWhenStopped},
	{"its process ends when the core is gone", endsWhenAlone},
}

func answersBeats(_ context.Context, _ *contract.Subject, p *process) []string {
	select {
	case err := <-p.session:
		return []string{fmt.Sprintf("the session ends by itself: %v", err)}
	case <-time.After(silence + beat):
		return nil
	}
}

func endsWhenStopped(ctx context.Context, s *contract.Subject, p *process) (wrong []string) {
	if err := sdk.NewPluginClient(s.Conn).Stop(ctx, contract.Patience, false); err != nil {
		wrong = append(wrong, fmt.Sprintf("stopping: %v", err))
	}
	if !p.ends(contract.Patience) {
		wrong = append(wrong, fmt.Sprintf("it has answered Stop, and still runs %s later: it has to exit", contract.Patience))
	}
	return wrong
}

func endsWhenAlone(_ context.Context, _ *contract.Subject, p *process) []string {
	time.Sleep(2 * beat) // the session has begun
	p.leave()
	if !p.ends(2 * contract.Patience) {
		return []string{fmt.Sprintf("its session has ended, and it still runs %s later: it has to exit", 2*contract.Patience)}
	}
	return nil
}
