package load

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// The defaults of every check, whatever its type.
const (
	defaultInterval = 5 * time.Second
	defaultTimeout  = 3 * time.Second // or the interval, where that is shorter
	defaultFall     = 3
	defaultRise     = 1

	shortestInterval = 10 * time.Millisecond
	longestInterval  = 24 * time.Hour
	mostResults      = 1000 // of fall and rise
)

// Built-in types that have no port to ask at, and of these the ones that ask nobody: they look at the director itself. What
// a third party's type needs is not known here.
var (
	portless    = []string{"ping", "script", "file", "process", "load"}
	addressless = []string{"script", "file", "process"}
)

// namedCheck decodes a check block of the top level.
func (l *loader) namedCheck(b schema.Block) {
	c := target[config.Check](l, b)
	if c == nil {
		return
	}
	l.cfg.Checks = append(l.cfg.Checks, c)
	body, ok := l.check(b, c)
	if a := body.Attr("via"); ok && a.Written() {
		l.r.Errorf(a.NameRange(), "Check without a way", "via goes by way of a real server, and no real server is around this check: write it in a virtual_server, or leave via out.")
	}
	if !ok || l.types.plugins[typeName{"check", c.Type}] != nil {
		return
	}
	if !slices.Contains(addressless, c.Type) && !body.Attr("address").Written() {
		l.r.Diags = append(l.r.Diags, missingIn(b, "address", `a check of this type asks somebody, and no real server is around it: add address = "192.0.2.11"`))
	}
	if !slices.Contains(portless, c.Type) && !body.Attr("port").Written() {
		l.r.Diags = append(l.r.Diags, missingIn(b, "port", "a check of this type asks at a port, and no real server is around it: add port = 443"))
	}
}

// check decodes the body of a check block. ok is false if its type is unknown.
func (l *loader) check(b schema.Block, c *config.Check) (body schema.Content, ok bool) {
	c.Interval, c.Fall, c.Rise = defaultInterval, defaultFall, defaultRise
	t := l.types.of(b)
	if t == nil {
		return body, false
	}
	r := l.r
	body = r.Read(b.Body(), t.decoder.Shape())
	if a := body.Attr("address"); a.Written() {
		c.Address, _ = r.Address(a)
	}
	if a := body.Attr("port"); a.Written() {
		c.Port, _ = r.Port(a)
	}
	l.egress(t, &body, c)
	l.schedule(&body, c)
	c.Config, c.Weighs = l.decode(t, b, &body), t.weighs
	return body, true
}

// schedule decodes when a check probes, and how many results make a verdict.
func (l *loader) schedule(body *schema.Content, c *config.Check) {
	if d, ok := l.duration(body.Attr("interval"), shortestInterval, longestInterval); ok {
		c.Interval = d
	}
	c.Timeout = min(defaultTimeout, c.Interval)
	if a := body.Attr("timeout"); a.Written() {
		if d, ok := l.duration(a, time.Millisecond, longestInterval); ok {
			c.Timeout = d
			if d > c.Interval {
				l.r.Warnf(a.Expr.Range(), "Timeout longer than the interval", "Probes of one target never overlap: while answers are missing there is one every %s, not every %s. Write a timeout of at most the interval, or a longer interval.",
					schema.FormatDuration(d), schema.FormatDuration(c.Interval))
			}
		}
	}
	if d, ok := l.duration(body.Attr("retry_interval"), shortestInterval, longestInterval); ok {
		c.RetryInterval = d
	}
	if d, ok := l.duration(body.Attr("spread"), time.Millisecond, longestInterval); ok {
		c.Spread = d
	}
	if n, ok := l.r.Int(body.Attr("fall"), 1, mostResults); ok {
		c.Fall = int(n)
	}
	if n, ok := l.r.Int(body.Attr("rise"), 1, mostResults); ok {
		c.Rise = int(n)
	}
}

// duration reads a duration between two others.
func (l *loader) duration(a schema.Attr, first, last time.Duration) (time.Duration, bool) {
	d, ok := l.r.Duration(a)
	if ok && (d < first || d > last) {
		l.r.Errorf(a.Expr.Range(), "Duration out of range", "%s is from %s to %s, and this is %s.", a.Name, schema.FormatDuration(first), schema.FormatDuration(last), schema.FormatDuration(d))
		return 0, false
	}
	return d, ok
}

// missingIn is the complaint about something that a block lacks for a reason.
func missingIn(b schema.Block, name, why string) *hcl.Diagnostic {
	at := b.Range()
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Missing " + name, Detail: strings.ToUpper(why[:1]) + why[1:] + ".", Subject: &at}
}

func listed(names []string) string { return strings.Join(names, ", ") }
