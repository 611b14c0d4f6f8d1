package console

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden screens")

// A person sits at the other end of a terminal: a pseudo terminal of the kernel, with its line discipline.
type person struct {
	t      *testing.T
	master *os.File
	tty    *os.File

	mu   sync.Mutex
	seen bytes.Buffer // everything, as a screen gets it
	read int          // of it, what was waited for

	screenOf io.Writer // gets everything, too, if it is not nil
}

func newPerson(t *testing.T) *person {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, master: master, tty: tty}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.seen.Write(b[:n])
			if p.screenOf != nil {
				_, _ = p.screenOf.Write(b[:n])
			}
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { tty.Close(); master.Close(); <-done })
	return p
}

func (p *person) terminal() File { return File{In: p.tty, Out: p.tty} }

// waits until something was written to the screen.
func (p *person) waits(what string) {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.mu.Lock()
		all := p.seen.String()
		p.mu.Unlock()
		if i := strings.Index(all[p.read:], what); i >= 0 {
			p.read += i + len(what)
			return
		}
	}
	p.t.Fatalf("%q was not written; the screen is\n%s", what, p.screen())
}

// writes waits for a prompt, and answers it.
func (p *person) writes(prompt, answer string) {
	p.t.Helper()
	p.waits(prompt)
	if _, err := p.master.WriteString(answer + "\r"); err != nil { // the key Enter
		p.t.Fatal(err)
	}
}

// screen is what was written, line by line.
func (p *person) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.ReplaceAll(p.seen.String(), "\r\n", "\n")
}

// golden compares a screen with testdata/NAME, and says whether it fits a terminal.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if len(line) > width+1 {
			t.Errorf("%d columns: %q", len(line)-1, line)
		}
		for _, r := range line {
			if r != '\n' && (r < ' ' || r > '~') {
				t.Errorf("%q is not ASCII", line)
			}
		}
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// documented says whether docs/appliance.md shows a screen as it is, in the block of code after "<!-- NAME -->".
func documented(t *testing.T, name string) {
	t.Helper()
	const doc = "../../docs/appliance.md"
	screen, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), "<!-- "+name+" -->\n```text\n")
	got, after, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatalf("%s has no place for %s", doc, name)
	}
	want := strings.Trim(string(screen), "\n") + "\n"
	if *update {
		page := before + "<!-- " + name + " -->\n```text\n" + want + "```" + after
		if err := os.WriteFile(doc, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("%s shows another screen than %s (-shown +true):\n%s", doc, name, d)
	}
}
