// Package wizard asks a person what a director needs to know, and writes the configuration that a person would have written.
//
// It is the questions, not how they are shown: a [Session] says what is to be asked next, takes or refuses the answer, and goes
// back; [Run] puts it before an [Asker], which is a line of a terminal, a form, or a file of answers. All of them get the
// same questions and the same words. Nothing is written or changed by it: what comes out is text, in [Files].
package wizard

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/appliance/wizard/question"
)

// A Machine is what is known of the machine before anybody is asked.
type Machine struct {
	Hostname string // what it is called now; "": nothing of use
	Cards    []Card // its network cards; none were found if it is empty
	Box      bool   // evenkeel is the whole system of it, so that its network, password and time are asked for, too
}

// A Card is a network card.
type Card struct {
	Name   string // "eth0"
	MAC    string // permanent hardware address, "52:54:00:12:34:56"; "" if it has none
	Driver string // of the kernel, "virtio_net"; "" if it is not known
	Link   bool   // a cable is plugged in, and something answers at its other end
}

// What a question is, is known to who shows it without knowing the wizard.
type (
	Question = question.Question
	Option   = question.Option
	Kind     = question.Kind
)

// The kinds of questions.
const (
	Line   = question.Line
	Choice = question.Choice
	Secret = question.Secret
	Plug   = question.Plug
)

// Auto is the choice of a [Plug] question that looks for the card by its cable, and None the answer that leaves an optional
// question out.
const (
	Auto = question.Auto
	None = question.None
)

// Answers are what was answered, by key. They are in their canonical form: what was refused is not among them.
type Answers map[string]string

// None says whether a question was not asked or left out.
func (a Answers) None(key string) bool { return a[key] == "" || a[key] == None }

// List returns the parts of an answer that is a list.
func (a Answers) List(key string) []string {
	if a.None(key) {
		return nil
	}
	return strings.Fields(a[key])
}

// A Session is one person answering. Its zero value is of no use: NewSession makes one.
type Session struct {
	entries []entry
	machine Machine
	answers Answers
	asked   []int // entries that were answered, in order: the way back
	next    int
}

// NewSession begins with the first question.
func NewSession(m Machine) *Session {
	s := &Session{entries: questions(), machine: m, answers: Answers{}}
	s.skip()
	return s
}

// skip goes on to the next question that is to be asked.
func (s *Session) skip() {
	for k := s.context(); s.next < len(s.entries) && !s.entries[s.next].asked(k); {
		s.next++
	}
}

// context is what the rules of the questions may look at: the answers to those before the next one.
func (s *Session) context() *known {
	answers := Answers{}
	for _, i := range s.asked {
		key := s.entries[i].key
		answers[key] = s.answers[key]
	}
	return &known{Answers: answers, Machine: s.machine}
}

// Question returns what is to be asked next; ok is false when all is answered. The default of a question that was
// answered before is that answer.
func (s *Session) Question() (q Question, ok bool) {
	if s.next == len(s.entries) {
		return Question{}, false
	}
	e := &s.entries[s.next]
	q = e.question(s.context())
	if before, ok := s.answers[e.key]; ok && q.Kind != Secret {
		if _, err := e.accept(before, q, s.context()); err == nil {
			q.Default = before
		}
	}
	return q, true
}

// Answer answers the question. The error says what is wrong and what to write instead; the question is then still to be
// answered.
func (s *Session) Answer(text string) error {
	q, ok := s.Question()
	if !ok {
		return errors.New("everything is answered already")
	}
	answer, err := s.entries[s.next].accept(text, q, s.context())
	if err != nil {
		return err
	}
	s.answers[q.Key] = answer
	s.asked = append(s.asked, s.next)
	s.next++
	s.skip()
	return nil
}

// Back returns to the question before, and says whether there is one.
func (s *Session) Back() bool {
	if len(s.asked) == 0 {
		return false
	}
	s.next = s.asked[len(s.asked)-1]
	s.asked = s.asked[:len(s.asked)-1]
	return true
}

// Answers returns what was answered, without what turned out to be of no use: the answers to questions that are no longer asked.
func (s *Session) Answers() Answers { return maps.Clone(s.context().Answers) }

// Keys are the keys of all questions that there are.
func Keys() []string {
	var keys []string
	for _, e := range questions() {
		keys = append(keys, e.key)
	}
	slices.Sort(keys)
	return keys
}

// A Reply is what a person did with a question.
type Reply struct {
	Text string
	Back bool // to the question before
}

// An Asker shows questions.
type Asker interface {
	// Ask shows a question and waits for the reply. problem is what was wrong with the last one, "" at first. An
	// error, such as the end of the input, ends the session.
	Ask(ctx context.Context, q Question, problem string) (Reply, error)
}

// A Finder tells which card's cable is plugged in next. The error is for a person to read.
type Finder interface {
	Plugged(ctx context.Context) (card string, err error)
}

// Run asks until all is answered. It returns the Asker's error, or that of ctx, as it is: then nothing is known, and nothing
// must be changed.
func Run(ctx context.Context, s *Session, ask Asker, find Finder) error {
	problem := ""
	for {
		q, ok := s.Question()
		if !ok {
			return nil
		}
		r, err := ask.Ask(ctx, q, problem)
		switch {
		case err != nil:
			return err
		case r.Back && !s.Back():
			problem = "this is the first question"
		case r.Back:
			problem = ""
		default:
			problem = answer(ctx, s, q, r.Text, find)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// answer takes a reply, and returns what is wrong with it, if anything is.
func answer(ctx context.Context, s *Session, q Question, text string, find Finder) string {
	if q.Kind == Plug && q.Chosen(text) == Auto {
		card, err := find.Plugged(ctx)
		if err != nil {
			return err.Error()
		}
		text = card
	}
	if err := s.Answer(text); err != nil {
		return err.Error()
	}
	return ""
}
