package load

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/evenkeel/evenkeel/hcl/nesting"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// A deferred block is a virtual_server block of which only the header was read. It is parsed when it is decoded, and its
// tree is dropped then: most of a large configuration are virtual servers, and all trees together would take many times the
// memory of what they say.
type deferred struct {
	place hclPlace
	piece piece
	known *remembered // what it was decoded into by an earlier load; nil: it is to be decoded
	fresh *remembered // for the next load
}

// loadPieces returns nil if anything at all is wrong with the files, or if they can't be read in pieces.
func loadPieces(sources []Source, o Options, answers *answers) *loader {
	l := newLoader(o, answers)
	l.deferred = map[hclPlace]*deferred{}
	files := make([]*file, 0, len(sources))
	for _, s := range sources {
		f := l.defers(s)
		if f == nil {
			return nil
		}
		files = append(files, f)
	}
	l.load(files)
	if l.stuck || l.r.Diags.HasErrors() {
		return nil
	}
	o.Memory.remember(l)
	return l
}

// defers parses a file but for its virtual servers. A file that can't be cut is parsed as a whole; for one with an error it
// returns nil.
func (l *loader) defers(s Source) *file {
	if canBeCut(s.Text) {
		if body := l.deferPieces(s); body != nil {
			return &file{Source: s, body: body}
		}
	}
	l.fresh = append(l.fresh, &readFile{Source: s})
	f, diags := parse(s)
	if diags.HasErrors() {
		return nil
	}
	return f
}

func (l *loader) deferPieces(s Source) *hclsyntax.Body {
	pieces := cut(s.Text, 0)
	fresh := &readFile{Source: s, pieces: make([]remembered, len(pieces))}
	heads := &trees{}
	var virtualServers []deferred
	for i := range pieces {
		p := &pieces[i]
		fresh.pieces[i] = remembered{file: fresh, start: p.at.Byte, end: p.at.Byte + len(p.text), line: p.at.Line}
		if b := p.head(s.Name, heads); b != nil {
			p.body = &hclsyntax.Body{Blocks: hclsyntax.Blocks{b}}
			at := hclPlace{s.Name, b.TypeRange.Start.Byte, b.Labels[0]}
			virtualServers = append(virtualServers, deferred{
				at, piece{text: p.text, at: p.at}, l.o.Memory.recall(b.Labels[0], s.Name, *p), &fresh.pieces[i]})
			continue
		}
		if p.body, _ = p.parse(s.Name, &trees{}); p.body == nil {
			return nil
		}
	}
	body := join(pieces)
	if body != nil {
		for i := range virtualServers {
			l.deferred[virtualServers[i].place] = &virtualServers[i]
		}
		l.fresh = append(l.fresh, fresh)
	}
	return body
}

// head reads the header of a virtual_server block; nil if the piece begins with anything else.
func (p *piece) head(file string, t *trees) *hclsyntax.Block {
	s := newPlain(file, p.text, p.at, t)
	for {
		s.spaces()
		switch c := s.peek(); {
		case c == '\n':
			s.newline()
		case c == '#', c == '/':
			if !s.comment() {
				return nil
			}
		case c == 'v':
			kind, at := s.identifier()
			s.spaces()
			if kind != "virtual_server" {
				return nil
			}
			if b := s.header(kind, at); b != nil && len(b.Labels) == 1 {
				return b
			}
			return nil
		default:
			return nil
		}
	}
}

// parse returns nil for a piece with an error. The tree of a plain one is made of t's nodes.
func (p *piece) parse(file string, t *trees) (body *hclsyntax.Body, plain bool) {
	if body := parsePlain(file, p.text, p.at, t); body != nil {
		return body, true
	}
	if nesting.Check(file, p.text) != nil {
		return nil, false
	}
	parsed, diags := hclsyntax.ParseConfig(p.text, file, p.at)
	if len(diags) > 0 {
		return nil, false
	}
	return parsed.Body.(*hclsyntax.Body), false
}

// virtualServer takes a virtual server from the memory, or decodes it, and remembers it.
func (l *loader) virtualServer(b schema.Block) {
	d := l.deferred[placeOf(b)]
	switch {
	case d == nil:
		l.decodeVirtualServer(b)
	case l.stuck:
	case d.known != nil:
		l.recalled(d)
	default:
		l.decodeDeferred(d)
	}
}

func (l *loader) recalled(d *deferred) {
	d.fresh.service, d.fresh.warnings = d.known.service, d.known.movedBy(d.fresh.start-d.known.start)
	l.cfg.VirtualServers = append(l.cfg.VirtualServers, d.known.service.VirtualServer)
	l.services.add(l, d.known.service)
	l.r.Diags = append(l.r.Diags, d.fresh.warnings...)
}

func (l *loader) decodeDeferred(d *deferred) {
	l.trees.again()
	body, plain := d.piece.parse(d.place.file, &l.trees)
	if body == nil || len(body.Blocks) != 1 || len(body.Attributes) > 0 {
		l.stuck = true // the piece is not what its first line said
		return
	}
	before := len(l.r.Diags)
	c := l.r.Read(schema.Wrap(body, hint), topLevelShape)
	s := l.decodeVirtualServer(c.Blocks[0])
	if plain && s != nil && s.alone {
		d.fresh.service, d.fresh.warnings = s, append(hcl.Diagnostics(nil), l.r.Diags[before:]...)
	}
}
