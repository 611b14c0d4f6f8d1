package load

import (
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// defaultBrake is what there is without a brake block.
var defaultBrake = config.Brake{Action: config.BrakeHold, Share: 50, Minimum: 10, Within: 10 * time.Second, Limit: 30 * time.Second}

// brake decodes a brake block.
func (l *loader) brake(blocks []schema.Block) {
	if len(blocks) == 0 {
		return
	}
	l.onlyOne(blocks)
	body := l.r.Read(blocks[0].Body(), brakeShape)
	b := &l.cfg.Director.Brake
	if w, ok := l.r.Word(body.Attr("action"), "hold", "act", "off"); ok {
		b.Action = config.BrakeAction(w)
		if w == "off" {
			b.Action = config.BrakeOff
		}
	}
	if a := body.Attr("share"); a.Written() {
		if n, ok := l.percent(a); ok {
			b.Share = n
		}
	}
	if n, ok := l.r.Int(body.Attr("minimum"), 1, 1e6); ok {
		b.Minimum = int(n)
	}
	if d, ok := l.duration(body.Attr("within"), 100*time.Millisecond, time.Hour); ok {
		b.Within = d
	}
	if d, ok := l.duration(body.Attr("limit"), time.Second, longestInterval); ok {
		b.Limit = d
	}
}

// percent reads a share of less than everything: "50%".
func (l *loader) percent(a schema.Attr) (int, bool) {
	s, ok := l.r.String(a)
	if !ok {
		return 0, false
	}
	digits, _ := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || digits == s || n < 1 || n > 99 {
		l.r.Errorf(a.Expr.Range(), "Wrong share", "%s is a part of all targets from \"1%%\" to \"99%%\", as in \"50%%\", and this is %q.", a.Name, s)
		return 0, false
	}
	return n, true
}
