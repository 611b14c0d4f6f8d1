package load

import (
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// eventKinds are the kinds of events that a notify block can ask for, with the states that can be asked for alone, as in
// "vrrp_instance.master". A kind without states is asked for as a whole.
var eventKinds = map[string][]string{
	"check":           {"up", "down"},
	"config":          nil,
	"drift":           nil,
	"factor":          nil,
	"operator":        nil,
	"plugin":          nil,
	"provision":       nil,
	"quorum":          {"gained", "lost"},
	"real_server":     {"up", "down"},
	"sorry_server":    {"in", "out"},
	"sync":            nil,
	"table":           nil,
	"virtual_server":  nil,
	"vrrp_instance":   {"master", "backup", "fault"},
	"vrrp_notice":     {"rival", "conflict", "address", "ended"},
	"vrrp_priority":   nil,
	"vrrp_sync_group": {"master", "backup", "fault"},
	"weight":          nil,
}

// notify decodes a notify block.
func (l *loader) notify(b schema.Block) {
	n := &config.Notify{Type: b.Labels[0], Name: b.Labels[1], Position: position(b)}
	l.cfg.Notifies = append(l.cfg.Notifies, n)
	t := l.types.of(b)
	if t == nil {
		return
	}
	body := l.r.Read(b.Body(), t.decoder.Shape())
	l.events(n, &body)
	l.subjects(n, body.Attr("only"))
	n.Config = l.decode(t, b, &body)
}

// events decodes on.
func (l *loader) events(n *config.Notify, body *schema.Content) {
	on := body.Attr("on")
	if !on.Written() {
		l.r.Errorf(body.Missing(), "Missing attribute", "Say what is to be told: on = [\"vrrp_instance\", \"real_server\", \"quorum\"].")
		return
	}
	elements, ok := l.r.List(on)
	if ok && len(elements) == 0 {
		l.r.Errorf(on.Expr.Range(), "Notify of nothing", "Say what is to be told: on = [\"vrrp_instance\", \"real_server\", \"quorum\"].")
	}
	var all []string
	for kind := range eventKinds {
		all = append(all, kind)
	}
	slices.Sort(all)
	for _, e := range elements {
		text, ok := l.text(on.Name, e)
		if !ok {
			continue
		}
		kind, state, one := strings.Cut(text, ".")
		states, known := eventKinds[kind]
		switch {
		case !known:
			if near := schema.Nearest(kind, all); near != "" {
				l.r.Errorf(e.Range, "Unknown event", "There are no events of the kind %q. Did you mean %q?", kind, near)
			} else {
				l.r.Errorf(e.Range, "Unknown event", "There are no events of the kind %q. Known are: %s.", kind, listed(all))
			}
		case one && len(states) == 0:
			l.r.Errorf(e.Range, "Unknown event", "Events of the kind %s are asked for as a whole: write %q.", kind, kind)
		case one && !slices.Contains(states, state):
			l.r.Errorf(e.Range, "Unknown event", "Write %q for all of them, or one of %s.", kind, kind+"."+strings.Join(states, ", "+kind+"."))
		case slices.Contains(n.On, text):
			l.r.Errorf(e.Range, "Duplicate event", "%q is there already.", text)
		default:
			n.On = append(n.On, text)
		}
	}
}

// subjects decodes only: the blocks whose events are told.
func (l *loader) subjects(n *config.Notify, only schema.Attr) {
	refs, _ := l.references(only, "blocks, as in [check.script.nginx, virtual_server.web]")
	for _, ref := range refs {
		n.Only = append(n.Only, ref.text)
	}
}

// provision decodes a provision block.
func (l *loader) provision(b schema.Block) {
	const want = "virtual servers, as in [virtual_server.web]"
	p := &config.Provision{Type: b.Labels[0], Name: b.Labels[1], Position: position(b)}
	l.cfg.Provisions = append(l.cfg.Provisions, p)
	t := l.types.of(b)
	if t == nil {
		return
	}
	body := l.r.Read(b.Body(), t.decoder.Shape())
	servers := body.Attr("virtual_servers")
	if !servers.Written() {
		l.r.Errorf(body.Missing(), "Missing attribute", "Say whose real servers are to be prepared: virtual_servers = [virtual_server.NAME].")
	}
	errors := len(l.r.Diags)
	refs, at := l.references(servers, want)
	for i, ref := range refs {
		v, ok := ref.target.(*config.VirtualServer)
		switch {
		case !ok:
			l.wrongReference("virtual_servers", ref, at[i], want)
		case slices.Contains(p.VirtualServers, v):
			l.r.Errorf(at[i], "Duplicate virtual server", "%s is there already.", ref.text)
		default:
			p.VirtualServers = append(p.VirtualServers, v)
		}
	}
	if servers.Written() && len(refs) == 0 && len(l.r.Diags) == errors {
		l.r.Errorf(servers.Expr.Range(), "Provision of nothing", "Name the virtual servers whose real servers are to be prepared.")
	}
	p.Config = l.decode(t, b, &body)
}
