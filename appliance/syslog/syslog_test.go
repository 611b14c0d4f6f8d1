package syslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/hcl/config"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

func TestAMessageIsAsRFC5424HasIt(t *testing.T) {
	m := Message{Time: noon, Facility: 1, Severity: 4, Program: "evenkeel", Text: "real server down"}
	for want, c := range map[string]struct {
		host string
		m    Message
	}{
		"<12>1 2026-05-01T12:00:00.123456Z lb1 evenkeel - - - \ufeffreal server down": {"lb1", m},
		"<0>1 2026-05-01T12:00:00.123456Z - - - - - \ufeffa b?c d":                    {"", Message{Time: noon, Text: "a\nb\xffc\x00d"}},
		"<0>1 2026-05-01T12:00:00.123456Z lb1 ab - - - \ufeff":                        {"l b1", Message{Time: noon, Program: "a b\n"}},
	} {
		if got := string(c.m.Format(c.host)); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if n := len(Message{Text: strings.Repeat("é", 4000)}.Format(strings.Repeat("h", 300))); n > 2200 {
		t.Errorf("a long one has %d bytes", n)
	}
}

func TestTheKernelsRecordsAreRead(t *testing.T) {
	var got []Message
	reads := []any{
		"6,339,5140900,-;NET: Registered protocol family 10\n", "30,340,5690716,-;systemd-style: not a line of ours\n",
		"12,1,2000000,-;evenkeel: real server web down\n SUBSYSTEM=x\n", unix.EPIPE, "garbage\n", "4,x,y,-;text\n", "",
	}
	r := readerFunc(func(b []byte) (int, error) {
		if len(reads) == 0 {
			return 0, io.EOF
		}
		next := reads[0]
		reads = reads[1:]
		if err, ok := next.(error); ok {
			return 0, err
		}
		return copy(b, next.(string)), nil
	})
	if err := records(r, noon, func(m Message) { got = append(got, m) }); err != nil {
		t.Fatal(err)
	}
	want := []Message{
		{noon.Add(5140900 * time.Microsecond), 0, 6, "kernel", "NET: Registered protocol family 10"},
		{noon.Add(5690716 * time.Microsecond), 3, 6, "systemd-style", "not a line of ours"},
		{noon.Add(2 * time.Second), 1, 4, "evenkeel", "real server web down"},
	}
	if diff := cmp.Diff(want, got[:3]); diff != "" || len(got) != 4 {
		t.Errorf("%d messages (-want +got):\n%s", len(got), diff)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func FuzzRecord(f *testing.F) {
	f.Add("12,1,2000000,-;evenkeel: text\n")
	f.Fuzz(func(t *testing.T, s string) {
		if m, ok := record(s, noon); ok && (m.Facility > 23 || m.Severity > 7 || strings.Contains(m.Text, "\n")) {
			t.Errorf("%+v", m)
		}
	})
}

func text(s string) Message { return Message{Time: noon, Program: "test", Text: s} }

func TestTheRingHasTheNewest(t *testing.T) {
	r := NewRing(3)
	for i := range 5 {
		r.Add(text(fmt.Sprint(i)))
	}
	var got []string
	for _, m := range r.Messages() {
		got = append(got, m.Text)
	}
	if diff := cmp.Diff([]string{"2", "3", "4"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheFileIsBoundedAndGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	for range 3 { // starts
		l := &File{Dir: dir, Most: 1000}
		for i := range 100 {
			if err := l.Add(text(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"log", "log.1"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(b) > 1000 || len(b) == 0 {
			t.Errorf("%s has %d bytes, %v", name, len(b), err)
		}
		if name == "log" && !strings.HasSuffix(string(b), "test: 99\n") {
			t.Errorf("the newest is not at the end:\n%s", b)
		}
	}
}

func TestAFullDiskIsSaidAndTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in the place of the folder
		t.Fatal(err)
	}
	l := &File{Dir: dir, Most: 1000}
	if err := l.Add(text("lost")); err == nil {
		t.Error("nothing is said")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(text("kept")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A server that is away for long gets the newest messages, and hears how many it missed; and nobody waits for it.
func TestAServerThatWasAwayHearsHowManyItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSender(config.Syslog{Host: "192.0.2.9", Port: 601, Protocol: "tcp"}, "lb1", 10)
		var server net.Conn
		var heard []string // each with its length before it
		tries := 0
		s.Dial = func(context.Context) (net.Conn, error) {
			if tries++; tries < 5 {
				return nil, errors.New("away")
			}
			c, end := net.Pipe()
			server = end
			go func() {
				b := make([]byte, 10000)
				for {
					n, err := end.Read(b)
					if err != nil {
						return
					}
					heard = append(heard, string(b[:n]))
				}
			}()
			return c, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		for i := range 25 {
			s.Add(text(fmt.Sprint("number ", i)))
		}
		time.Sleep(5 * time.Second)
		if err := s.Problem(); err == nil || err.Error() != "syslog server 192.0.2.9:601: away" {
			t.Errorf("the problem is %v", err)
		}
		time.Sleep(time.Minute)
		var got strings.Builder
		for _, frame := range heard {
			length, rest, _ := strings.Cut(frame, " ")
			if length != fmt.Sprint(len(rest)) {
				t.Errorf("the length is %s of %d", length, len(rest))
			}
			_, text, _ := strings.Cut(rest, "\ufeff")
			fmt.Fprintln(&got, text)
		}
		if all := got.String(); len(heard) != 11 || !strings.HasPrefix(all, "15 messages were dropped here: this server was away for too long\nnumber 15\n") || !strings.HasSuffix(all, "number 24\n") {
			t.Errorf("it hears\n%s", all)
		}
		// A connection that ends is made anew, and what was not sent is sent then.
		before := tries
		server.Close()
		s.Add(text("after it"))
		time.Sleep(time.Minute)
		if tries == before || !strings.HasSuffix(heard[len(heard)-1], "after it") || s.Problem() != nil {
			t.Errorf("after %d tries it has heard %q, %v", tries-before, heard[len(heard)-1], s.Problem())
		}
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
