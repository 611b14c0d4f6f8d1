// Package forms is how evenkeel and evenkeel-forms speak with each other. The second is a program of its own, because what
// draws forms would cost each of evenkeel's many processes time and memory.
//
// The program has the terminal. It gets requests at one pipe, and answers at another, each an object of JSON on a line: it
// says [Ready] first, and then one [Reply] for each [Request] that wants one. [Lines] and [Leave] may come at any time, and are
// the last. Either side ends the talk by closing its pipe.
package forms

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/evenkeel/evenkeel/appliance/wizard/question"
)

// Version of the talk. Two programs with different ones do not understand each other.
const Version = 1

// The descriptors at which the program finds its pipes.
const (
	RequestsFD = 3 // to read
	RepliesFD  = 4 // to write
)

// A Request is one of what it may be.
type Request struct {
	Question *question.Question `json:"question,omitempty"` // to be answered
	Problem  string             `json:"problem,omitempty"`  // with the question: what was wrong with the last reply
	Page     *Page              `json:"page,omitempty"`     // to be read, and perhaps to be confirmed
	Note     string             `json:"note,omitempty"`     // to be shown until the next reply; it wants none
}

// A Page is a text that may be longer than a screen.
type Page struct {
	Title   string `json:"title"`
	Text    string `json:"text"`
	Confirm string `json:"confirm,omitempty"` // the question at its end; "": it is only read
}

// A Kind says what a reply is.
type Kind string

// The kinds of replies.
const (
	Ready  Kind = "ready"  // the program has started
	Answer Kind = "answer" // to a question, or Yes or No to a page; Yes also to one that is only read
	Back   Kind = "back"   // to the question before
	Lines  Kind = "lines"  // the person wants lines of text in place of forms
	Leave  Kind = "leave"  // the person, or the terminal, has gone
)

// What a page is answered with.
const (
	Yes = "yes"
	No  = "no"
)

// A Reply is what the person did.
type Reply struct {
	Kind    Kind   `json:"kind"`
	Text    string `json:"text,omitempty"`    // of Answer
	Version int    `json:"version,omitempty"` // of Ready
}

// To says what is wrong with a reply to a request, if anything is.
func (r Reply) To(q Request) error {
	switch {
	case r.Kind == Back, r.Kind == Lines, r.Kind == Leave, r.Kind == Answer && q.Question != nil:
		return nil
	case r.Kind == Answer && q.Page != nil && (r.Text == Yes || r.Text == No):
		return nil
	}
	return fmt.Errorf("the reply %q %.20q makes no sense here", r.Kind, r.Text)
}

// longest is how long a line may be, in bytes: a configuration with room to spare.
const longest = 1 << 20

// A Conn is one side of the talk.
type Conn struct {
	in  *bufio.Scanner
	out io.Writer
}

// NewConn reads what the other side says from in, and speaks to it at out.
func NewConn(in io.Reader, out io.Writer) *Conn {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 4096), longest)
	return &Conn{in: s, out: out}
}

// Send says something: a Request or a Reply.
func (c *Conn) Send(v any) error {
	line, err := json.Marshal(v)
	switch {
	case err != nil:
		return fmt.Errorf("writing as JSON what is to be sent: %w", err)
	case len(line) >= longest:
		return fmt.Errorf("%d bytes are too many to be sent at once", len(line))
	}
	if _, err := c.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

// Receive waits for what the other side says: a Reply or a Request. io.EOF is the end of the talk.
func (c *Conn) Receive(v any) error {
	if !c.in.Scan() {
		if err := c.in.Err(); err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		return io.EOF
	}
	if err := json.Unmarshal(c.in.Bytes(), v); err != nil {
		return errors.New("what was received is no JSON of this talk")
	}
	return nil
}
