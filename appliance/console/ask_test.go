package console

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// cables finds the card that it names.
type cables string

func (c cables) Plugged(context.Context) (string, error) {
	if c == "" {
		return "", errors.New("no cable was plugged in within 1m0s")
	}
	return string(c), nil
}

func goodFiles(wizard.Files) error { return nil }

func fetchNothing(_ context.Context, _, _ string, _ []byte, keep func(pairing.Shared) error) error {
	return keep(pairing.Shared{})
}

func twoCards() wizard.Machine {
	return wizard.Machine{Box: true, Cards: []wizard.Card{
		{Name: "eth0", MAC: "52:54:00:12:34:56", Driver: "virtio_net"},
		{Name: "eth1", MAC: "52:54:00:12:34:57", Driver: "e1000e", Link: true},
	}}
}

func TestAPersonAtATerminalOfEightyColumnsSetsUpABox(t *testing.T) {
	p := newPerson(t)
	type outcome struct {
		files wizard.Files
		err   error
	}
	done := make(chan outcome)
	go func() {
		_, f, err := Setup{Lines: NewLines(p.terminal()), Find: cables("eth0"), Check: goodFiles}.Run(t.Context(), twoCards())
		done <- outcome{f, err}
	}()
	p.writes("Name of this director [lb1]: ", "lb_1")
	p.writes("Name of this director [lb1]: ", "")
	p.writes("Your choice [no]: ", "")
	p.writes("Your choice [eth1]: ", "auto")
	p.writes("VLAN on it [none]: ", "?")
	p.writes("VLAN on it [none]: ", "")
	p.writes("Your choice [static]: ", "")
	p.writes("length of its network: ", "192.168.12.11")
	p.writes("length of its network: ", "192.168.12.11/24")
	p.writes("Gateway to other networks [none]: ", "192.168.12.1")
	p.writes("Name servers (DNS) [none]: ", "<")
	p.writes("[192.168.12.1]: ", "")
	p.writes("Name servers (DNS) [none]: ", "192.168.12.1")
	p.writes("(yes, no)", "no")
	p.writes("Password of the console: ", "correct horse")
	p.writes("The password again: ", "correct house")
	p.writes("The password again: ", "correct horse")
	p.writes("Public key for SSH [none]: ", "")
	p.writes("1.debian.pool.ntp.org]: ", "192.168.12.1")
	p.writes("Your choice [alone]: ", "first")
	p.writes("multicast\r\n  [none]: ", "")
	p.writes("length of its network: ", "192.168.12.135/24")
	p.writes("Virtual router id [51]: ", "")
	p.writes("(yes, no) [yes]: ", "")
	p.writes("Name of the virtual server [web]: ", "")
	p.writes("Protocol (tcp, udp) [tcp]: ", "")
	p.writes("[192.168.12.135:80]: ", "")
	p.writes("Your choice [dr]: ", "?")
	p.writes("Your choice [dr]: ", "")
	p.writes("Real servers: ", "192.168.12.246 192.168.12.237:8080")
	p.writes("Real servers: ", "192.168.12.246 192.168.12.237")
	p.writes("Your choice [wlc]: ", "2")
	p.writes("[none]: ", "")
	p.writes("Your choice [http]: ", "")
	p.writes("Page to ask for [/]: ", "health")
	p.writes("Page to ask for [/]: ", "/health")
	p.writes("Name of the site to ask for [none]: ", "")
	p.writes("Name of one more virtual server [none]: ", "")
	p.writes("[none]: ", "")
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if !strings.Contains(string(got.files.Box), `mac       = "52:54:00:12:34:56"`) {
		t.Errorf("the card that the cable showed is not in\n%s", got.files.Box)
	}
	p.waits(strings.Repeat("-", width) + "\r\n")
	golden(t, "box.screen", p.screen())
	documented(t, "box.screen")
}

// A sitting is one of the wizard's own examples: a machine, what is answered, and the configuration that this makes.
type sitting struct {
	name    string
	machine wizard.Machine
	script  *wizard.Script
	want    string
}

func sittings(t *testing.T) []sitting {
	t.Helper()
	paths, err := filepath.Glob("../wizard/testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	var all []sitting
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := sitting{name: filepath.Base(path)}
		for _, f := range a.Files {
			switch f.Name {
			case "machine":
				s.machine.Box = true
				for line := range strings.Lines(string(f.Data)) {
					name, mac, _ := strings.Cut(strings.TrimSpace(line), " ")
					s.machine.Cards = append(s.machine.Cards, wizard.Card{Name: name, MAC: mac, Driver: "virtio_net", Link: true})
				}
			case "answers":
				if s.script, err = wizard.ParseScript(path, string(f.Data)); err != nil {
					t.Fatal(err)
				}
			case wizard.SharedFile:
				s.want += "\n" + string(f.Data)
			default:
				s.want += string(f.Data)
			}
		}
		all = append(all, s)
	}
	return all
}

func TestWhateverIsWrittenAtTheTerminalTheModelSays(t *testing.T) {
	for _, s := range sittings(t) {
		t.Run(s.name, func(t *testing.T) {
			p := newPerson(t)
			done := make(chan error)
			var files wizard.Files
			go func() {
				var err error
				_, files, err = Setup{Lines: NewLines(p.terminal()), Check: goodFiles, Fetch: fetchNothing}.Run(t.Context(), s.machine)
				done <- err
			}()
			typing(p, s.machine, s.script)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(s.want, string(files.Joined())); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// typing writes the answers of a script at the terminal.
func typing(p *person, m wizard.Machine, script *wizard.Script) {
	s := wizard.NewSession(m)
	for {
		q, ok := s.Question()
		if !ok {
			return
		}
		r, err := script.Ask(context.Background(), q, "")
		if err == nil {
			err = s.Answer(r.Text)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		p.writes(": ", r.Text)
	}
}

// A pipe is a terminal that gets its lines from a text, and is then at its end.
type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Size() (int, int) { return 0, 0 }
func (pipe) Echo(bool) error  { return nil }

func TestHangingUpAtAnyMomentChangesNothing(t *testing.T) {
	script := "lb1\n\neth0\n\n\n192.0.2.11/24\n\n\nno\ncorrect horse\ncorrect horse\n\nnone\n\n\n\n\n\n\n10.1.0.11\n\n\n\n\n\n\n\n"
	run := func(text string) error {
		_, files, err := Setup{Lines: NewLines(pipe{strings.NewReader(text), io.Discard}), Check: goodFiles}.Run(t.Context(), twoCards())
		if err != nil && (files.Box != nil || files.Shared != nil) {
			t.Errorf("%q ends with %v, and there are files", text, err)
		}
		return err
	}
	if err := run(script); err != nil {
		t.Fatal(err)
	}
	for n := range len(script) {
		if err := run(script[:n]); !errors.Is(err, ErrHangup) {
			t.Errorf("after %q: got %v, want a hang-up", script[:n], err)
		}
	}
}

func TestLinesEndAsTerminalsEndThem(t *testing.T) {
	l := NewLines(pipe{strings.NewReader("a\nb\rc\r\n\r\n\n\rlast" + strings.Repeat("x", 3*longest) + "\nno end"), io.Discard})
	for _, want := range []string{"a", "b", "c", "", "", "", "last" + strings.Repeat("x", longest-4)} {
		got, err := l.ReadLine()
		if err != nil || got != want {
			t.Errorf("got %.20q, %v; want %.20q", got, err, want)
		}
	}
	if got, err := l.ReadLine(); !errors.Is(err, ErrHangup) || got != "" {
		t.Errorf("got %q, %v; want a hang-up", got, err)
	}
}

func TestNoPasswordIsShown(t *testing.T) {
	p := newPerson(t)
	l := NewLines(p.terminal())
	type outcome struct {
		reply wizard.Reply
		err   error
	}
	done := make(chan outcome)
	go func() {
		r, err := l.Ask(t.Context(), wizard.Question{Kind: wizard.Secret, Text: "Password"}, "")
		done <- outcome{r, err}
	}()
	p.writes(": ", "correct horse")
	if got := <-done; got.err != nil || got.reply.Text != "correct horse" {
		t.Fatal(got)
	}
	l.Printf("end")
	p.waits("end")
	if strings.Contains(p.screen(), "horse") {
		t.Errorf("it is on the screen: %q", p.screen())
	}
}

func TestWhatCannotBeFetchedLeadsBackToTheCode(t *testing.T) {
	tries := 0
	fetch := func(_ context.Context, code, name string, box []byte, keep func(pairing.Shared) error) error {
		tries++
		if code != "192.168.12.11/0000-1111-2222-333K" || name != "lb2" || !strings.Contains(string(box), "192.168.12.12/24") {
			t.Errorf("fetched with %s for %s and\n%s", code, name, box)
		}
		if tries == 1 {
			return errors.New("192.168.12.11 shows another code by now")
		}
		return keep(pairing.Shared{Director: "lb1", Text: []byte("# shared\n")})
	}
	script := "lb2\n\neth0\n\n\n192.168.12.12/24\n\n\nno\ncorrect horse\ncorrect horse\n\nnone\nsecond\n192.168.12.11/0000-1111-2222-333k\n\n"
	var out strings.Builder
	_, files, err := Setup{Lines: NewLines(pipe{strings.NewReader(script), &out}), Check: goodFiles, Fetch: fetch}.Run(t.Context(), twoCards())
	if err != nil || string(files.Shared) != "# shared\n" || tries != 2 {
		t.Errorf("got %q, %v after %d tries", files.Shared, err, tries)
	}
	if !strings.Contains(out.String(), "192.168.12.11 shows another code by now") {
		t.Errorf("nothing is said of the first try:\n%s", out.String())
	}
}
