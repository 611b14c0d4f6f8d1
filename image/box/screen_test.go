package box

import (
	"context"
	"testing"
	"time"
)

// said is a screen to which all of this was said, and whose box is off.
func said(chunks ...string) (*screen, chan struct{}) {
	s := &screen{more: make(chan struct{})}
	for _, c := range chunks {
		s.add(time.Now(), []byte(c))
	}
	off := make(chan struct{})
	close(off)
	return s, off
}

func TestAScreenIsReadWithoutWhatPaintsIt(t *testing.T) {
	s, _ := said("\x1b[2J\x1b[1;", "1Hslot A\r\n", "\r\nName [lb1]: \x1b[")
	if got, want := s.from(0), "\nslot A\n\nName [lb1]: ["; got != want {
		t.Errorf("the screen says %q, want %q", got, want)
	}
	s.add(time.Now(), []byte("0m"))
	if got, want := s.from(9), "Name [lb1]: "; got != want {
		t.Errorf("the screen says %q, want %q", got, want)
	}
	s.add(time.Now(), []byte("lb1\x1b[2J\x1b[1;1Hvips\x1b[2;1Hweb \x1b[1;6Hmaster"))
	if got, want := s.from(21), "lb1\nvips\nweb master"; got != want {
		t.Errorf("the screen says %q, want %q", got, want)
	}
}

func TestAPromptIsFoundBeforeItsLineHasAnEnd(t *testing.T) {
	s, off := said("Name: lb1\r\nTime servers\r\n  [none]: ")
	if _, _, err := s.wait(t.Context(), off, 0, `\[none\]: $`, false); err == nil {
		t.Error("a line that has no end counts as a whole one")
	}
	_, next, err := s.wait(t.Context(), off, 0, `(?s)Time servers.*?: $`, true)
	if err != nil {
		t.Fatal(err)
	}
	s.add(time.Now(), []byte("192.0.2.1\r\nName: lb2\r\n"))
	line, _, err := s.wait(t.Context(), off, next, `^Name`, false)
	if err != nil || line.Text != "Name: lb2" {
		t.Errorf("after the prompt there is %q, %v", line.Text, err)
	}
	if _, _, err := s.wait(t.Context(), off, next, `Time servers`, true); err == nil {
		t.Error("what was read is found again")
	}
}

func TestAWaitEndsWithItsTime(t *testing.T) {
	s, _ := said("something else\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := s.wait(ctx, nil, 0, "never", true); err == nil {
		t.Error("what was never said is found")
	}
}
