package http

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"regexp"
)

// seen is what the rules want to know of a body, or of as much of it as was read.
type seen struct {
	length   int64 // of what was read, in bytes
	whole    bool  // there is no more of it
	match    bool  // it matches body_match
	notMatch bool  // it matches body_not_match
	sha256   []byte
	md5      []byte
}

// atOnce is how many bytes of a body are kept to look at them, which is quick. Longer bodies are looked at while they
// come, so that a thousand servers with long ones do not fill the memory.
const atOnce = 16 << 10

// read reads the body, or as much of it as may be, and looks at it.
func (l *line) read(ctx context.Context, answer *http.Response) (*seen, error) {
	b := &body{from: io.LimitReader(answer.Body, int64(l.plan.MaxBody))}
	if l.plan.BodySHA256 != "" {
		b.sha256 = sha256.New()
	}
	if l.plan.BodyMD5 != "" {
		b.md5 = md5.New()
	}
	s, err := b.look(l.plan.match, l.plan.notMatch)
	if err != nil {
		return nil, l.failed(ctx, err, reading)
	}
	s.whole = s.length < int64(l.plan.MaxBody) || s.length == answer.ContentLength
	return s, nil
}

// A body is one that is being read.
type body struct {
	from        io.Reader
	sha256, md5 hash.Hash // nil: not wanted
}

// look reads the body. An expression may be nil.
func (b *body) look(match, notMatch *regexp.Regexp) (*seen, error) {
	s := &seen{}
	first, err := io.ReadAll(io.LimitReader(b.from, atOnce))
	if err != nil {
		return nil, err
	}
	s.length = int64(len(first))
	b.digest(first)
	if len(first) < atOnce {
		s.match = match != nil && match.Match(first)
		s.notMatch = notMatch != nil && notMatch.Match(first)
		s.sha256, s.md5 = sum(b.sha256), sum(b.md5)
		return s, nil
	}
	one, other := startMatch(match), startMatch(notMatch)
	one.write(first)
	other.write(first)
	for err == nil {
		var n int
		n, err = b.from.Read(first)
		s.length += int64(n)
		b.digest(first[:n])
		one.write(first[:n])
		other.write(first[:n])
	}
	s.match, s.notMatch = one.end(), other.end()
	s.sha256, s.md5 = sum(b.sha256), sum(b.md5)
	if err != io.EOF {
		return nil, err
	}
	return s, nil
}

func (b *body) digest(p []byte) {
	for _, h := range []hash.Hash{b.sha256, b.md5} {
		if h != nil {
			h.Write(p) // never an error
		}
	}
}

func sum(h hash.Hash) []byte {
	if h == nil {
		return nil
	}
	return h.Sum(nil)
}

// A match is a search for an expression in a text that comes in pieces; a nil one finds nothing. Package regexp reads
// the text by itself, so it has a goroutine, which ends with the search.
type match struct {
	text  *io.PipeWriter
	found chan bool
}

func startMatch(e *regexp.Regexp) *match {
	if e == nil {
		return nil
	}
	r, w := io.Pipe()
	m := &match{text: w, found: make(chan bool, 1)}
	go func() {
		found := e.MatchReader(bufio.NewReader(r))
		r.Close() // what is still written has no reader
		m.found <- found
	}()
	return m
}

func (m *match) write(p []byte) {
	if m != nil {
		io.Copy(m.text, bytes.NewReader(p)) // an error means that the search is over
	}
}

func (m *match) end() bool {
	if m == nil {
		return false
	}
	m.text.Close()
	return <-m.found
}
