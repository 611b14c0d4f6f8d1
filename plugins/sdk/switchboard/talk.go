package switchboard

import (
	"context"
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// A Talk is what is said to a server and heard from it: one thing is said, and then the server is listened to. It keeps
// nothing of a single probe, so that all that ask the same may share one. Errors are reasons as operators read them.
type Talk interface {
	// Say appends what the server is to be told first. That may be nothing, where it is the server that speaks first.
	Say(b []byte, t sdk.Target) []byte

	// Hear looks at the answer, all of it that has come so far, and says whether more of it must come before it can be
	// judged. If not, the probe is over: nil is up. While end is nil more may come; otherwise it is what the answer ended with,
	// and nothing more will: io.EOF when the server has closed the connection, os.ErrDeadlineExceeded when the time-out is
	// over, or an errno, ECONNRESET say. package dialog has words for these: Broken.
	//
	// Hear is called each time that more has come, under the lock that everything else waits for: it returns soon, and does
	// not keep answer. It gets to see no more than Glance bytes and Pieces pieces. From a server that takes more for its
	// answer, the rest is heard by Rest.
	Hear(t sdk.Target, answer []byte, end error) (more bool, err error)

	// Rest hears an answer that is long, or comes in many pieces, in a goroutine of its own, until it is over: nil is up. The
	// connection begins with what Hear has seen already. It ends with ctx, which ends with the target's time-out; what is
	// returned after that is too late to count. Any goroutine may call it.
	Rest(ctx context.Context, t sdk.Target, conn *dialog.Conn) error
}

const (
	// Glance is how long an answer may be, in bytes, that is heard without a goroutine: as long as most are that a check is
	// given, and not so long that looking at it would keep the others waiting.
	Glance = 16 << 10
	// Pieces is how many pieces it may come in: each is looked at together with those before it.
	Pieces = 16
)

// hear calls Hear of a call's Talk. A panic is an error, and the end of one probe only.
func (c *call) hear(answer []byte, end error) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			more, err = false, panicked(p)
		}
	}()
	return c.talk.Hear(c.target, answer, end)
}

// tooLate is the reason of a probe whose time is over while it listened.
func (c *call) tooLate() error {
	_, err := c.hear(c.heard, os.ErrDeadlineExceeded)
	if err == nil {
		err = &sdk.TimeoutError{Target: c.target}
	}
	return err
}

func panicked(p any) error { return fmt.Errorf("the probe panicked: %v", p) }
