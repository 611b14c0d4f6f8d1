package load

import (
	"strings"

	"github.com/evenkeel/evenkeel/hcl/schema"
)

// director decodes the director block.
func (l *loader) director(b schema.Block) {
	body := l.r.Read(b.Body(), directorShape)
	l.brake(body.Of("brake"))
	a := body.Attr("name")
	name, ok := l.r.String(a)
	if !ok {
		return
	}
	if name == "" || len(name) > 253 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		l.r.Errorf(a.Expr.Range(), "Wrong name", "The director's name is a word without spaces, as a host's name is: it stands in mails and logs.")
		return
	}
	l.cfg.Director.Name = name
}
