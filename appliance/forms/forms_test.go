package forms

import (
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

func TestEveryQuestionArrivesAsItWasAsked(t *testing.T) {
	r, w := io.Pipe()
	asks, answers := NewConn(strings.NewReader(""), w), NewConn(r, io.Discard)
	s := wizard.NewSession(wizard.Machine{Box: true, Cards: []wizard.Card{{Name: "eth0", MAC: "52:54:00:12:34:56", Link: true}}})
	given := map[string]string{"network1.address": "192.0.2.11/24", "network1.gateway": "192.0.2.1", "network2": "no", "password": "correct horse",
		"password.again": "correct horse", "pair": "first", "vips": "192.0.2.10/24", "service1.servers": "192.0.2.21"}
	n := 0
	for {
		q, ok := s.Question()
		if !ok {
			break
		}
		n++
		want := Request{Question: &q, Problem: "\"\x1b\n\u00e4\" is none"}
		go func() {
			if err := asks.Send(want); err != nil {
				t.Error(err)
			}
		}()
		var got Request
		if err := answers.Receive(&got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-asked +got):\n%s", d)
		}
		if err := s.Answer(given[q.Key]); err != nil {
			t.Fatalf("%s: %v", q.Key, err)
		}
	}
	if n < 25 {
		t.Errorf("only %d questions were asked", n)
	}
}

func TestOnlyTheProgramForItCarriesWhatDrawsForms(t *testing.T) {
	for program, want := range map[string]bool{"evenkeel": false, "init": false, "evenkeel-forms": true} {
		out, err := exec.Command("go", "list", "-deps", "../../cmd/"+program).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "charm.land/"); got != want {
			t.Errorf("%s carries it: %v", program, got)
		}
	}
}

func TestAReplyMustFitItsRequest(t *testing.T) {
	question, page := Request{Question: &wizard.Question{}}, Request{Page: &Page{}}
	for _, c := range []struct {
		to   Request
		r    Reply
		good bool
	}{
		{question, Reply{Kind: Answer}, true},
		{question, Reply{Kind: Answer, Text: "lb1"}, true},
		{question, Reply{Kind: Back}, true},
		{question, Reply{Kind: Lines}, true},
		{question, Reply{Kind: Leave}, true},
		{question, Reply{Kind: Ready}, false},
		{question, Reply{}, false},
		{question, Reply{Kind: "sing"}, false},
		{page, Reply{Kind: Answer, Text: Yes}, true},
		{page, Reply{Kind: Answer, Text: No}, true},
		{page, Reply{Kind: Answer, Text: "perhaps"}, false},
		{page, Reply{Kind: Answer}, false},
		{page, Reply{Kind: Back}, true},
		{Request{Note: "wants none"}, Reply{Kind: Answer, Text: Yes}, false},
	} {
		if err := c.r.To(c.to); (err == nil) != c.good {
			t.Errorf("%+v to %+v: got %v", c.r, c.to, err)
		}
	}
}

func TestNonsenseIsToldFromTheEnd(t *testing.T) {
	for _, c := range []struct {
		text string
		end  bool
	}{
		{"", true},
		{"{", false},
		{"\n", false},
		{"[]\n", false},
		{"panic: runtime error\n", false},
		{`{"kind":7}` + "\n", false},
		{`{"kind":"answer","text":"` + strings.Repeat("x", longest) + `"}` + "\n", false},
	} {
		var r Reply
		err := NewConn(strings.NewReader(c.text), io.Discard).Receive(&r)
		if err == nil || errors.Is(err, io.EOF) != c.end {
			t.Errorf("%.20q: got %+v, %v", c.text, r, err)
		}
	}
	if err := NewConn(strings.NewReader(""), io.Discard).Send(Request{Note: strings.Repeat("x", longest)}); err == nil {
		t.Error("more was sent than is received")
	}
}
