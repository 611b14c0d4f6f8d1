package load

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
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
// A Memory never decides that something is wrong: files with an error are read as if there were none. The built-in types
// must answer the same at every load that uses it. It holds the files' texts, and no parse trees.
//
// The zero Memory is empty and ready for use. It is not safe for concurrent use.
type Memory struct {
	blocks map[string]*remembered // by the virtual server's name
}

// A remembered block is a virtual_server block that depends on its own text alone.
type remembered struct {
	file     string
	piece    piece
	service  *service
	warnings hcl.Diagnostics
}

// recall returns what a piece with that virtual server was decoded into; nil if it is not remembered.
func (m *Memory) recall(name, file string, p piece) *remembered {
	if m == nil {
		return nil
	}
	r := m.blocks[name]
	if r == nil || r.file != file || r.piece.at.Line != p.at.Line || !bytes.Equal(r.piece.text, p.text) {
		return nil
	}
	r.move(p)
	return r
}

// move makes the block's text that of another load, at the same line. The bytes before it may be more or fewer.
func (r *remembered) move(to piece) {
	by := to.at.Byte - r.piece.at.Byte
	r.piece = piece{text: to.text, at: to.at}
	if by == 0 {
		return
	}
	for i, w := range r.warnings {
		moved, at := *w, *w.Subject
		at.Start.Byte += by
		at.End.Byte += by
		moved.Subject = &at
		r.warnings[i] = &moved
	}
}

// remember makes the blocks those of a configuration that was read.
func (m *Memory) remember(blocks []*remembered) {
	if m == nil {
		return
	}
	m.blocks = make(map[string]*remembered, len(blocks))
	for _, r := range blocks {
		m.blocks[r.service.Name] = r
	}
}
