package director

import (
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A Note is a fact that the director does not decide by, as a plugin's restart or drift that was repaired. It becomes an
// event, numbered among the others.
type Note struct {
	Now      time.Time
	Kind     string
	Subject  string
	From, To string
	Reason   string
}

func (Note) input() {}

func (d *Director) note(n Note) {
	d.now = n.Now
	d.emit(sdk.Event{Kind: n.Kind, Subject: n.Subject, From: n.From, To: n.To, Reason: n.Reason})
}
