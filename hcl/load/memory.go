package load

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// A Memory makes reading a configuration again cheap where it has not changed. It is given to one load after the other, in
// [Options], and after each good one it holds the virtual servers of it with the texts that they were made of. A block that
// stands in the same file at the same line with the same text is not parsed and decoded again: it gives the very same
// *config.VirtualServer, so equal pointers mean that nothing of a virtual server has changed.
//
// That is safe for a block that depends on its own text alone, and no other is remembered: one that is not plain values
// (references, functions, dynamic blocks), one with a match (its mark depends on the other virtual servers' names), one with
// servers of both address families (connection synchronisation forbids them), and one with a check of a third party's type
// are decoded every time. Of a remembered block the rules between blocks still see everything: its name, its service and the
// warnings it caused.
//
// Where nothing but the insides of such blocks has changed, and neither their names nor their services, not even these rules
// need be gone through: see loadChanged. That is what most reloads are, a weight here and a server there.
//
// A Memory never decides that something is wrong: files with an error are read as if there were none. The built-in types
// must answer the same at every load that uses it. It holds the files' texts, and no parse trees.
//
// [Load] with a Memory reads files into the memory of texts that it holds no more, so the texts of [Diagnostics.Sources] are
// for use before the next one.
//
// The zero Memory is empty and ready for use. It is not safe for concurrent use.
type Memory struct {
	config   *config.Config // nil: no good load yet
	hostname string         // as it was given
	silent   bool           // there was nothing to say of it
	files    []*readFile
	blocks   map[string]*remembered // by the virtual server's name
	texts    map[string]*[2][]byte  // memory for texts, by the file's name
}

// A readFile is a file that was read, and where its pieces are.
type readFile struct {
	Source
	pieces []remembered // nil: it was not cut
}

// A remembered is a piece of a file and, if it is a virtual_server block that depends on its own text alone, what it was
// decoded into.
type remembered struct {
	file       *readFile
	start, end int // in the file's text
	line       int
	service    *service // nil: it is to be decoded every time
	warnings   hcl.Diagnostics
}

func (r *remembered) text() []byte { return r.file.Text[r.start:r.end] }

// recall returns what a piece with that virtual server was decoded into; nil if it is not remembered.
func (m *Memory) recall(name, file string, p piece) *remembered {
	if m == nil {
		return nil
	}
	r := m.blocks[name]
	if r == nil || r.file.Name != file || r.line != p.at.Line || !bytes.Equal(r.text(), p.text) {
		return nil
	}
	return r
}

// movedBy returns the warnings as they are when the block is at the same line, but so many bytes further on.
func (r *remembered) movedBy(n int) hcl.Diagnostics {
	if n == 0 || len(r.warnings) == 0 {
		return r.warnings
	}
	moved := make(hcl.Diagnostics, len(r.warnings))
	for i, w := range r.warnings {
		copied, at := *w, *w.Subject
		at.Start.Byte += n
		at.End.Byte += n
		copied.Subject = &at
		moved[i] = &copied
	}
	return moved
}

// remember makes the memory that of a configuration that was read.
func (m *Memory) remember(l *loader) {
	if m == nil {
		return
	}
	m.config, m.hostname, m.silent = l.cfg, l.o.Hostname, len(l.r.Diags) == 0
	m.files = l.fresh
	m.blocks = make(map[string]*remembered, len(l.cfg.VirtualServers))
	for _, f := range m.files {
		for i := range f.pieces {
			if r := &f.pieces[i]; r.service != nil {
				m.blocks[r.service.Name] = r
			}
		}
	}
}

// buffers returns the two that hold, by turns, what a file said at the last good load and what it says now.
func (m *Memory) buffers(name string) *[2][]byte {
	if m.texts[name] == nil {
		if m.texts == nil {
			m.texts = map[string]*[2][]byte{}
		}
		m.texts[name] = new([2][]byte)
	}
	return m.texts[name]
}

// lend returns memory for the text of a file that is to be read: not that which holds the text that is remembered.
func (m *Memory) lend(name string) *[]byte {
	if m == nil {
		return new([]byte)
	}
	b := m.buffers(name)
	for _, f := range m.files {
		if f.Name == name && overlaps(f.Text, b[0]) {
			return &b[1]
		}
	}
	return &b[0]
}

// overlaps says whether two slices begin at the same byte.
func overlaps(a, b []byte) bool { return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0] }

// Prepare makes memory for the texts of the next load, so that nobody has to wait for it then.
func (m *Memory) Prepare() {
	for _, f := range m.files {
		if b := m.lend(f.Name); cap(*b) < len(f.Text) {
			*b = append(make([]byte, 0, roomFor(len(f.Text))), f.Text...)
		}
	}
}
