package syslog

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatTheFileHasIsRead(t *testing.T) {
	dir := t.TempDir()
	read := func() (texts []string) {
		t.Helper()
		if err := ReadFile(dir, func(m Message) {
			if !m.Time.Equal(noon.Truncate(time.Millisecond)) || m.Program != "test" {
				t.Errorf("read %+v", m)
			}
			texts = append(texts, m.Text)
		}); err != nil {
			t.Fatal(err)
		}
		return texts
	}
	if got := read(); got != nil {
		t.Errorf("without a file: %q", got)
	}
	l := &File{Dir: dir, Most: 100}
	for _, s := range []string{"one", "two: with a colon", "three"} { // two lines fit a file
		if err := l.Add(text(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\x00\x00half of a li"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"one", "two: with a colon", "three"}, read()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestOfTheKernelsLogIsTakenWhatTheFileDoesNotHave(t *testing.T) {
	all := func(texts string) (ms []Message) {
		for _, r := range texts {
			ms = append(ms, Message{Time: time.Unix(int64(len(ms)), 0), Program: "kernel", Text: string(r)})
		}
		return ms
	}
	for _, c := range []struct{ file, kernel, want string }{
		{"", "abc", "abc"},
		{"xabc", "abcde", "de"},
		{"xabc", "abc", ""},
		{"xabab", "ababab", ""}, // the newest of what may be the same
		{"xb", "abcb", "abcb"},  // an older start of the machine
		{"a", "abc", "bc"},
		{"ba", "aXba", ""},
	} {
		got := ""
		for _, m := range Since(all(c.file), all(c.kernel)) {
			got += m.Text
		}
		if got != c.want {
			t.Errorf("%q in the file, %q in the kernel: %q more, want %q", c.file, c.kernel, got, c.want)
		}
	}
}
