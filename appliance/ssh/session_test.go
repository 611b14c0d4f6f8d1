package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/crypto/ssh"
)

// A desk is a session with a terminal.
type desk struct {
	t    *testing.T
	v    *ssh.Session
	in   io.WriteCloser
	seen journal
}

func (b *box) desk(c *ssh.Client, columns, rows int) *desk {
	b.t.Helper()
	d := &desk{t: b.t, v: b.session(c)}
	d.v.Stdout = &d.seen
	in, err := d.v.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	d.in = in
	if err := d.v.RequestPty("vt100", rows, columns, nil); err != nil {
		b.t.Fatal(err)
	}
	if err := d.v.Shell(); err != nil {
		b.t.Fatal(err)
	}
	return d
}

func (d *desk) writes(text string) {
	d.t.Helper()
	if _, err := io.WriteString(d.in, text); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) waits(text string) {
	d.t.Helper()
	eventually(d.t, func() bool { return strings.Contains(d.seen.String(), text) }, func() string { return fmt.Sprintf("%q was not shown:\n%s", text, &d.seen) })
}

func TestASessionWithATerminalIsTheMenu(t *testing.T) {
	b, k := withKey(t)
	d := b.desk(b.client(k), 100, 30)
	d.waits("the menu\r\n")
	d.writes("size\r")
	d.waits("100 columns, 30 rows, TERM is vt100")
	if err := d.v.WindowChange(40, 132); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		d.writes("size\r")
		return strings.Contains(d.seen.String(), "132 columns, 40 rows")
	}, func() string { return "the window was not changed:\n" + d.seen.String() })
	d.writes("\x04") // the key for the end
	d.waits("the end\r\n")
	if err := d.v.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	b.log.has(t, "user=admin command=console")
}

func TestTheEndOfTheInputIsTheKeyForIt(t *testing.T) {
	b, k := withKey(t)
	d := b.desk(b.client(k), 80, 25)
	d.waits("the menu")
	d.in.Close()
	if err := d.v.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	d.waits("the end")
}

func TestWindowsOfAnySizeAreTerminals(t *testing.T) {
	b, k := withKey(t)
	c := b.client(k)
	for _, w := range []struct {
		columns, rows int
		want          string
	}{{0, 0, "0 columns, 0 rows"}, {1 << 31, 1 << 31, "1000 columns, 1000 rows"}, {1<<32 - 1, 65537, "1000 columns, 1000 rows"}} {
		d := b.desk(c, w.columns, w.rows)
		d.writes("size\r")
		d.waits(w.want)
		if err := d.v.WindowChange(w.columns, w.rows); err != nil {
			t.Fatal(err)
		}
		d.v.Close()
	}
}

func TestACommandsOutputsAndStatusArePassedOn(t *testing.T) {
	b, k := withKey(t)
	c := b.client(k)
	out, err := b.says(c, `words 'a b' "c \"d" e\ f '' $HOME;`)
	if want := `["a b" "c \"d" "e f" "" "$HOME;"]` + "\n"; err != nil || out != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
	if out, err := b.says(c, "evenkeel words x"); err != nil || out != `["x"]`+"\n" {
		t.Errorf("with the word evenkeel: %q, %v", out, err)
	}
	v := b.session(c)
	var stdout, stderr bytes.Buffer
	v.Stdout, v.Stderr = &stdout, &stderr
	var exit *ssh.ExitError
	if err := v.Run("exit 42"); !errors.As(err, &exit) || exit.ExitStatus() != 42 {
		t.Errorf("exit 42: %v", err)
	}
	if stdout.String() != "" || stderr.String() != "as you like\n" {
		t.Errorf("%q and %q", stdout.String(), stderr.String())
	}
	if _, err := b.says(c, "die"); !errors.As(err, &exit) || exit.Signal() != "KILL" {
		t.Errorf("die: %v", err)
	}
	out, err = b.says(c, "who")
	if err != nil || out != "admin (alice@laptop) from 127.0.0.1\n" {
		t.Errorf("who: %q, %v", out, err)
	}
	if _, err := b.says(c, "words 'half"); !errors.As(err, &exit) || exit.ExitStatus() != notUnderstood {
		t.Errorf("half a quote: %v", err)
	}
	b.log.has(t, `command="exit 42"`)
}

func TestAFileGoesThereAndBack(t *testing.T) {
	b, k := withKey(t)
	v := b.session(b.client(k))
	file := bytes.Repeat([]byte("0123456789\x00\xff\x03\x04\r\n"), 1<<17) // 2 MB
	v.Stdin = bytes.NewReader(file)
	got, err := v.Output("copy")
	if err != nil || !bytes.Equal(got, file) {
		t.Errorf("%d bytes of %d came back, %v", len(got), len(file), err)
	}
}

func TestWhatIsNotAMenuAndNotACommandIsRefused(t *testing.T) {
	b, k := withKey(t)
	c := b.client(k)
	v := b.session(c)
	if err := v.RequestSubsystem("sftp"); err == nil {
		t.Error("sftp is there")
	}
	for _, r := range []string{"auth-agent-req@openssh.com", "x11-req", "env", "nonsense"} {
		if ok, err := v.SendRequest(r, true, nil); ok || err != nil {
			t.Errorf("%s: %v, %v", r, ok, err)
		}
	}
	if _, err := c.Dial("tcp", b.at.String()); err == nil {
		t.Error("ports are forwarded")
	}
	if _, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("ports are forwarded from the box")
	}
	if out, err := b.says(c, "words still here"); err != nil {
		t.Errorf("after all that: %q, %v", out, err)
	}
}

func TestAHangupEndsAllOfASession(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		b, k := withKey(t, func(b *box) { b.s.limits.hangup = 100 * time.Millisecond })
		c := b.client(k)
		v := b.session(c)
		if terminal {
			if err := v.RequestPty("vt100", 25, 80, nil); err != nil {
				t.Fatal(err)
			}
		}
		var out journal
		v.Stdout = &out
		if err := v.Start("family"); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return strings.Contains(out.String(), "\n") }, out.String)
		var parent, child int
		if _, err := fmt.Sscan(out.String(), &parent, &child); err != nil || !alive(parent) || !alive(child) {
			t.Fatalf("%q: %v", out.String(), err)
		}
		c.Close()
		eventually(t, func() bool { return !alive(parent) && !alive(child) }, func() string { return "they live on" })
	}
}

func TestWhatASessionLeavesBehindEndsWithIt(t *testing.T) {
	b, k := withKey(t)
	out, err := b.says(b.client(k), "family leave")
	var parent, child int
	if _, scan := fmt.Sscan(out, &parent, &child); err != nil || scan != nil {
		t.Fatalf("%q, %v, %v", out, err, scan)
	}
	if alive(child) {
		t.Error("a child lives on")
	}
}

func TestAProgramMayUndoThingsAfterAHangup(t *testing.T) {
	b, k := withKey(t)
	for _, program := range []string{"undo", "read"} { // at a signal, and at the end of its input
		for _, terminal := range []bool{false, true} {
			c := b.client(k)
			v := b.session(c)
			if terminal {
				if err := v.RequestPty("vt100", 25, 80, nil); err != nil {
					t.Fatal(err)
				}
			}
			var out journal
			v.Stdout = &out
			in, err := v.StdinPipe() // which stays open
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(b.dir, fmt.Sprintf("%s-%v", program, terminal))
			if err := v.Start(program + " " + file); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return strings.Contains(out.String(), "waiting") }, out.String)
			c.Close()
			eventually(t, func() bool { _, err := os.Stat(file); return err == nil }, func() string { return file + ": it was not undone" })
			in.Close()
		}
	}
}

func TestTheEndOfTheServerEndsItsSessions(t *testing.T) {
	b, k := withKey(t)
	d := b.desk(b.client(k), 80, 25)
	d.waits("the menu")
	begun := time.Now()
	b.stop()
	if took := time.Since(begun); took > quick.hangup {
		t.Errorf("it took %v", took)
	}
	if err := d.v.Wait(); err == nil {
		t.Error("the session goes on")
	}
}

func TestSplitIsAShellsWithoutAShell(t *testing.T) {
	for command, want := range map[string][]string{
		"":                        nil,
		"  ":                      nil,
		"status --json":           {"status", "--json"},
		"evenkeel status":         {"status"},
		"evenkeel":                {},
		`a "b c"'d' \e \\`:        {"a", "b cd", "e", `\`},
		"a\nb\tc":                 {"a", "b", "c"},
		"status; reboot && `ls`*": {"status;", "reboot", "&&", "`ls`*"},
	} {
		got, err := split(command)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Errorf("%q: %v (-want +got):\n%s", command, err, d)
		}
	}
	for _, command := range []string{"'a", `"a`, `a \`, "a\x00b", strings.Repeat("a", longestCommand+1)} {
		if got, err := split(command); err == nil {
			t.Errorf("%.20q is %q", command, got)
		}
	}
}
