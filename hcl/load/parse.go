package load

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/evenkeel/evenkeel/hcl/nesting"
)

// A file is a source that was parsed.
type file struct {
	Source
	body *hclsyntax.Body
	rest *hclsyntax.Body // without its locals blocks; nil when it has none
}

// pieceSize is how much text is parsed at a time, in bytes, where a file can be taken apart.
const pieceSize = 2 << 10

// parse parses a file. A large one is cut between its top-level blocks, and the pieces are parsed on all processors: those
// that hold nothing but plain values by the plain parser, the others by HCL's own. That one makes all tokens of a text
// before it looks at the first, in a slice that grows, so small texts suit it too.
//
// Cutting is safe: a cut goes after a line that is a closing brace and nothing else. If that line did not end a top-level
// block, the piece before it ends inside something (a block, an object, a template), which is a syntax error, and then the
// file is parsed again in one piece. Inside comments and heredocs braces need not match, so a file that may have one of
// more than a line is not cut.
func parse(s Source) (*file, hcl.Diagnostics) {
	f := &file{Source: s}
	if d := nesting.Check(s.Name, s.Text); d != nil {
		f.body = &hclsyntax.Body{}
		return f, hcl.Diagnostics{d}
	}
	if canBeCut(s.Text) {
		if f.body = parsePieces(s); f.body != nil {
			return f, nil
		}
	}
	parsed, diags := hclsyntax.ParseConfig(s.Text, s.Name, hcl.InitialPos)
	f.body = parsed.Body.(*hclsyntax.Body)
	return f, diags
}

func canBeCut(text []byte) bool {
	return !bytes.Contains(text, []byte("/*")) && !bytes.Contains(text, []byte("<<"))
}

var endOfBlock, newline = []byte("\n}\n"), []byte("\n")

// A piece is a run of whole lines of a file.
type piece struct {
	text []byte
	at   hcl.Pos
	body *hclsyntax.Body
}

// cut cuts a text between its top-level blocks, into pieces of at least that many bytes.
func cut(text []byte, size int) []piece {
	var pieces []piece
	at := hcl.InitialPos
	for len(text) > 0 {
		n := len(text)
		if n > size {
			if i := bytes.Index(text[size:], endOfBlock); i >= 0 {
				n = size + i + len(endOfBlock)
			}
		}
		pieces = append(pieces, piece{text: text[:n:n], at: at})
		at.Line += bytes.Count(text[:n], newline)
		at.Byte += n
		text = text[n:]
	}
	return pieces
}

// parsePieces returns nil if anything at all is to be said about any of the pieces.
func parsePieces(s Source) *hclsyntax.Body {
	pieces := cut(s.Text, pieceSize)
	var next atomic.Int64
	var wrong atomic.Bool
	var done sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces)) {
		done.Go(func() {
			for !wrong.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(pieces) {
					return
				}
				if pieces[i].body = parsePlain(s.Name, pieces[i].text, pieces[i].at, &trees{}); pieces[i].body != nil {
					continue
				}
				parsed, diags := hclsyntax.ParseConfig(pieces[i].text, s.Name, pieces[i].at)
				if len(diags) > 0 {
					wrong.Store(true)
					return
				}
				pieces[i].body = parsed.Body.(*hclsyntax.Body)
			}
		})
	}
	done.Wait()
	if wrong.Load() {
		return nil
	}
	return join(pieces)
}

// join makes one body of the pieces'; nil if an attribute is written twice, which one piece alone does not see.
func join(pieces []piece) *hclsyntax.Body {
	whole := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	for _, p := range pieces {
		for name, a := range p.body.Attributes {
			if whole.Attributes[name] != nil {
				return nil
			}
			whole.Attributes[name] = a
		}
		whole.Blocks = append(whole.Blocks, p.body.Blocks...)
	}
	if len(pieces) == 0 {
		return whole
	}
	whole.SrcRange = hcl.RangeBetween(pieces[0].body.SrcRange, pieces[len(pieces)-1].body.SrcRange)
	whole.EndRange = pieces[len(pieces)-1].body.EndRange
	return whole
}
