package screen

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/forms"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// A desk is a screen of 80 columns and 24 lines without a terminal, and what was replied from it.
type desk struct {
	*model
	t       *testing.T
	replies []forms.Reply
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t}
	d.model = &model{ascii: true, theme: theme(true), resize: func(int, int) error { return nil }, send: func(r forms.Reply) error {
		d.replies = append(d.replies, r)
		return nil
	}}
	d.gets(tea.WindowSizeMsg{Width: 80, Height: 24})
	return d
}

func (d *desk) gets(msgs ...tea.Msg) {
	for _, msg := range msgs {
		d.Update(msg)
		d.View()
	}
}

// types presses the keys of a text; a line feed is Enter.
func (d *desk) types(text string) {
	for _, r := range text {
		key := tea.KeyPressMsg{Code: r, Text: string(r)}
		if r == '\n' {
			key = tea.KeyPressMsg{Code: tea.KeyEnter}
		}
		d.gets(key)
	}
}

// shown is the screen without colours.
func (d *desk) shown() string {
	s := ansi.Strip(d.View().Content)
	lines := strings.Split(s, "\n")
	if len(lines) > d.height {
		d.t.Errorf("the screen has %d lines:\n%s", len(lines), s)
	}
	for _, l := range lines {
		if ansi.StringWidth(l) > d.columns() {
			d.t.Errorf("the screen is too wide: %q", l)
		}
	}
	return s
}

// replied are the replies since it was last called.
func (d *desk) replied(want ...forms.Reply) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.replies); diff != "" {
		d.t.Errorf("(-want +replied):\n%s", diff)
	}
	d.replies = nil
}

func text(key string) forms.Request {
	return forms.Request{Question: &wizard.Question{Key: key, Section: "Names", Text: "Name of " + key, Help: "It has one."}}
}

func answer(text string) forms.Reply { return forms.Reply{Kind: forms.Answer, Text: text} }

func TestWhatIsTypedBeforeAQuestionAnswersIt(t *testing.T) {
	d := newDesk(t)
	d.gets(text("one"))
	d.types("a\nb\nc")
	d.replied(answer("a"))
	d.gets(text("two"))
	d.replied(answer("b"))
	d.gets(text("three"))
	d.replied()
	d.types("d\n")
	d.replied(answer("cd"))
}

func TestWhatIsTypedBeforeAProblemIsSeenAnswersNothing(t *testing.T) {
	d := newDesk(t)
	d.gets(text("one"))
	d.types("a\nb\n")
	d.replied(answer("a"))
	r := text("one")
	r.Problem = "it is not an a"
	d.gets(r)
	d.replied()
	if s := d.shown(); !strings.Contains(s, "! It is not an a.") || !strings.Contains(s, "> a") {
		t.Errorf("the problem and the answer to be corrected are not shown:\n%s", s)
	}
}

func TestWhatIsTypedWhileSomethingTakesItsTimeAnswersNothing(t *testing.T) {
	d := newDesk(t)
	d.gets(forms.Request{Question: &wizard.Question{Kind: wizard.Plug, Text: "Which card?", Choices: []wizard.Option{{Value: "eth0"}, {Value: wizard.Auto}}}})
	d.types("2\n\n\n")
	d.replied(answer(wizard.Auto))
	if s := d.shown(); !strings.Contains(s, "Now plug the cable in.") {
		t.Errorf("it is not said what to do:\n%s", s)
	}
	d.gets(forms.Request{Note: "The card is eth0."}, text("one"))
	d.replied()
	d.types("a\nb\n")
	d.replied(answer("a"))
	d.gets(forms.Request{Note: "Fetching."})
	d.types("\n")
	d.gets(text("two"))
	d.replied()
}

func TestAKeyForSSHCanBePasted(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPkbYcQmzVbQVbLWDkBcXrqbZXrH4yBmtZ7tSJpqcbr ops@example.com"
	d := newDesk(t)
	d.gets(tea.PasteMsg{Content: key + "\n"}, text("key")) // before the question is there
	d.types("\n")
	d.replied(answer(key + " "))
	d.gets(text("other"), tea.PasteMsg{Content: key})
	d.types("\n")
	d.replied(answer(key))
}

func TestACardThatIsNotInTheListCanBeNamed(t *testing.T) {
	d := newDesk(t)
	r := forms.Request{Question: &wizard.Question{Kind: wizard.Plug, Text: "Which card?", Default: "eth1", Choices: []wizard.Option{{Value: "eth0"}, {Value: "eth1"}, {Value: wizard.Auto}}}}
	d.gets(r)
	d.types("4\nbond7")
	d.gets(tea.KeyPressMsg{Code: tea.KeyEscape})
	if s := d.shown(); !strings.Contains(s, "> 1) eth0") {
		t.Errorf("Esc does not lead back to the list:\n%s", s)
	}
	d.types("4\nbond7\n")
	d.replied(answer("bond7"))
	r.Problem = "there is none"
	d.gets(r)
	d.types("2\n")
	d.replied(answer("bond72")) // it is corrected, not chosen
}

func TestAQuestionHasItsDefaultInTheField(t *testing.T) {
	for _, c := range []struct {
		q         wizard.Question
		shown     string
		untouched string
	}{
		{wizard.Question{Default: "lb1"}, "> lb1", "lb1"},
		{wizard.Question{Default: wizard.None, Optional: true}, "> none", ""},
		{wizard.Question{Default: "10.1.0.1", Optional: true}, "> 10.1.0.1", "10.1.0.1"},
		{wizard.Question{Default: "b", Kind: wizard.Choice, Choices: []wizard.Option{{Value: "a"}, {Value: "b"}}}, "> 2) b", "b"},
		{wizard.Question{Default: "bond7", Kind: wizard.Plug, Choices: []wizard.Option{{Value: "a"}, {Value: "b"}}}, "> bond7", "bond7"},
	} {
		c.q.Text = "Which?"
		d := newDesk(t)
		d.gets(forms.Request{Question: &c.q})
		if s := d.shown(); !strings.Contains(s, "| "+c.shown) {
			t.Errorf("%q is not shown:\n%s", c.shown, s)
		}
		d.types("\n")
		d.replied(answer(c.untouched))
	}
}

func TestNothingOfAPasswordIsShown(t *testing.T) {
	d := newDesk(t)
	r := forms.Request{Question: &wizard.Question{Key: "password", Section: "Access", Kind: wizard.Secret, Text: "Password"}}
	d.gets(r)
	before := d.shown()
	d.types("correct horse")
	if d.shown() != before {
		t.Errorf("it is shown:\n%s", d.shown())
	}
	d.types("\n")
	d.replied(answer("correct horse"))
	again := text("again")
	again.Question.Section = "Access"
	d.gets(again)
	if s := d.shown(); strings.Contains(s, "horse") || strings.Contains(s, "*************") {
		t.Errorf("it, or its length, is shown after it:\n%s", s)
	}
	r.Problem = "too short"
	d.gets(r)
	d.types("\n")
	d.replied(answer("")) // nothing is left of the first
}

func TestAnswersOfTheSectionAreShownUntilTheyAreAskedForAgain(t *testing.T) {
	d := newDesk(t)
	d.gets(text("one"))
	d.types("a\n")
	d.gets(text("two"))
	d.types("b\n")
	d.gets(text("three"))
	if s := d.shown(); !strings.Contains(s, "  Name of one  a\n  Name of two  b\n") {
		t.Errorf("they are not shown:\n%s", s)
	}
	d.gets(text("two"))
	if s := d.shown(); !strings.Contains(s, "  Name of one  a\n\n| Name of two") {
		t.Errorf("they are not shown as they should be:\n%s", s)
	}
	other := text("four")
	other.Question.Section = "Others"
	d.gets(other)
	if s := d.shown(); strings.Contains(s, "Name of one") {
		t.Errorf("those of another section are shown:\n%s", s)
	}
}

func TestEverythingHasRoom(t *testing.T) {
	d := newDesk(t)
	for i := range 30 {
		d.gets(text(strings.Repeat("x", i*5)))
		d.types(strings.Repeat("y", i*5) + "\n")
		d.shown()
	}
	var cards []wizard.Option
	for range 40 {
		cards = append(cards, wizard.Option{Value: strings.Repeat("e", 15), Text: strings.Repeat("driver ", 12)})
	}
	q := wizard.Question{Key: "cards", Section: "Names", Text: "Which?", Kind: wizard.Plug, Choices: cards, Help: strings.Repeat(strings.Repeat("h", 79)+"\n", 8)}
	d.gets(forms.Request{Question: &q, Problem: strings.Repeat("word ", 50)})
	if s := d.shown(); !strings.Contains(s, "| > 1) eee") || !strings.Contains(s, "! Word") {
		t.Errorf("the choices or the problem are not shown:\n%s", s)
	}
	for range 30 {
		d.gets(tea.KeyPressMsg{Code: tea.KeyDown})
	}
	if s := d.shown(); !strings.Contains(s, "> 31) eee") {
		t.Errorf("the list does not follow:\n%s", s)
	}
	d.gets(tea.WindowSizeMsg{Width: 20, Height: 3})
	d.types("\n")
	d.replied(d.replies...) // whatever was replied before
	d.gets(tea.WindowSizeMsg{Width: 0, Height: 0}, tea.WindowSizeMsg{Width: 80, Height: 24})
	if s := d.shown(); !strings.Contains(s, "> 31) eee") {
		t.Errorf("the form has not come back:\n%s", s)
	}
}

func TestNothingIsDrawnBeforeTheSizeIsKnown(t *testing.T) {
	m := &model{ascii: true, theme: theme(true)}
	if s := m.View().Content; s != "" {
		t.Errorf("shown on a terminal of unknown size: %q", s)
	}
}

func TestNothingIsAnsweredThatCanNotBeSeen(t *testing.T) {
	d := newDesk(t)
	d.gets(text("one"), tea.WindowSizeMsg{Width: 79, Height: 24})
	d.types("a\n")
	d.replied()
	d.gets(tea.KeyPressMsg{Code: 't', Mod: tea.ModCtrl})
	d.replied(forms.Reply{Kind: forms.Lines})
}

func TestAPageIsReadAndAnswered(t *testing.T) {
	d := newDesk(t)
	page := forms.Request{Page: &forms.Page{Title: "The text", Text: strings.Repeat("line\n", 60) + "the last line\n\x1b[31m\u00e4", Confirm: "Is it good?"}}
	d.gets(page)
	if s := d.shown(); !strings.Contains(s, "lines 1 to 16 of 62") || !strings.Contains(s, "| Is it good?  Yes  [ No ]") {
		t.Errorf("it is not shown:\n%s", s)
	}
	d.gets(tea.KeyPressMsg{Code: tea.KeyEnd})
	if s := d.shown(); !strings.Contains(s, "the last line\n?[31m?") || !strings.Contains(s, "lines 47 to 62 of 62") {
		t.Errorf("its end is not shown:\n%s", s)
	}
	d.types("\n")
	d.replied(answer(forms.No))
	d.gets(page)
	d.types("y")
	if s := d.shown(); !strings.Contains(s, "[ Yes ]  No") {
		t.Errorf("yes is not shown:\n%s", s)
	}
	d.types("ny\n")
	d.replied(answer(forms.Yes))
	d.gets(page)
	d.gets(tea.KeyPressMsg{Code: tea.KeyRight}, tea.KeyPressMsg{Code: tea.KeyRight}, tea.KeyPressMsg{Code: tea.KeyLeft})
	d.types("\n")
	d.replied(answer(forms.Yes))
	page.Page.Confirm = ""
	d.gets(page)
	d.types("\n")
	d.replied(answer(forms.Yes))
	d.gets(page, tea.KeyPressMsg{Code: tea.KeyEscape})
	d.replied(forms.Reply{Kind: forms.Back})
}

func TestAnAskerThatDoesNotListenIsTheEnd(t *testing.T) {
	d := newDesk(t)
	want := errors.New("broken pipe")
	d.send = func(forms.Reply) error { return want }
	d.gets(text("one"))
	d.types("a\n")
	if !errors.Is(d.err, want) {
		t.Errorf("got %v", d.err)
	}
}

func TestATerminalGetsNothingThatItMayNotKnow(t *testing.T) {
	got := known.Replace(ansi.SetModifyOtherKeys2 + "a" + ansi.ResetModifyOtherKeys + "b" + ansi.KittyKeyboard(1, 1) + "c" + ansi.KittyKeyboard(0, 1) + "d" +
		ansi.RequestKittyKeyboard + "e" + ansi.RequestModeSynchronizedOutput + ansi.RequestModeUnicodeCore + "f" + ansi.ResetModeUnicodeCore)
	if got != "abcdef" {
		t.Errorf("it gets %q", got)
	}
}
