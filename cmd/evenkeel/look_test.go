package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/syslog"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// commandLine runs a command line, and returns what it has written.
func commandLine(ctx context.Context, args ...string) (out, problems string, err error) {
	root := newRoot()
	var o, p bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&p)
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return o.String(), p.String(), err
}

func twoSpaces(t *testing.T) (director, server *netspace.Space) {
	t.Helper()
	director, server = netspace.New(t), netspace.New(t)
	netspace.Join(director, "look0", []string{"10.80.0.1/24", "10.80.0.9/24", "fd80::1/64"}, server, "look1", []string{"10.80.0.2/24", "fd80::2/64"})
	return director, server
}

func TestNSPingSaysWhoAnswersAndWhoDoesNot(t *testing.T) {
	director, _ := twoSpaces(t)
	for _, c := range []struct {
		args   string
		want   []string
		silent bool
	}{
		{"10.80.0.2 -c 2", []string{"1: 10.80.0.2 answers after ", "2: 10.80.0.2 answers after ", "2 sent, 2 answered; after "}, false},
		{"fd80::2 -c 1 --interface look0", []string{"1: fd80::2 answers after ", "1 sent, 1 answered; after "}, false},
		{"10.80.0.2 -c 1 --source 10.80.0.9", []string{"1 sent, 1 answered"}, false},
		{"10.80.0.3 -c 2", []string{"1: no answer", "2: no answer", "2 sent, 0 answered\n"}, true},
	} {
		director.Do(func() error {
			out, _, err := commandLine(t.Context(), append([]string{"ping", "--every", "20ms"}, strings.Fields(c.args)...)...)
			if (err != nil) != c.silent || c.silent && !errors.As(err, new(exitError)) {
				t.Errorf("ping %s: %v", c.args, err)
			}
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("ping %s does not say %q:\n%s", c.args, w, out)
				}
			}
			return nil
		})
	}
	director.Do(func() error {
		if _, _, err := commandLine(t.Context(), "ping", "192.0.2.1"); err == nil || !strings.Contains(err.Error(), "network is unreachable") {
			t.Errorf("without a route: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if out, _, err := commandLine(ctx, "ping", "10.80.0.2", "--count", "0"); err != nil || !strings.Contains(out, "1 sent, 1 answered") {
			t.Errorf("stopped: %v\n%s", err, out)
		}
		return nil
	})
}

// The requests of a ping are seen on the terminal, and in a file by tcpdump.
func TestNSCaptureShowsAPing(t *testing.T) {
	director, server := twoSpaces(t)
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed: make packages-test")
	}
	// asked runs a capture on the server while the director pings it.
	asked := func(args ...string) (out, problems string) {
		t.Helper()
		done := make(chan error)
		go server.Do(func() error {
			var err error
			out, problems, err = commandLine(t.Context(), append([]string{"capture", "look1", "--seconds", "20"}, args...)...)
			done <- err
			return nil
		})
		for {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				return out, problems
			default:
				director.Do(func() error {
					_, _, err := commandLine(t.Context(), "ping", "10.80.0.2", "-c", "1")
					return err
				})
			}
		}
	}
	out, _ := asked("--protocol", "icmp", "--host", "10.80.0.1", "--count", "2")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	// It may begin between a request and its reply.
	if len(lines) != 3 || !strings.Contains(out, " in  ICMP 10.80.0.1 -> 10.80.0.2 echo request ") || !strings.Contains(out, " out ICMP 10.80.0.2 -> 10.80.0.1 echo reply ") || lines[2] != "2 packets" {
		t.Errorf("shown:\n%s", out)
	}
	path := filepath.Join(t.TempDir(), "x.pcap")
	if _, said := asked("--protocol", "icmp", "--count", "2", "--write", path); said != "2 packets\n" {
		t.Errorf("said: %s", said)
	}
	read, err := exec.Command(tcpdump, "-nn", "-r", path).Output()
	if err != nil || !strings.Contains(string(read), "IP 10.80.0.1 > 10.80.0.2: ICMP echo request") || !strings.Contains(string(read), "IP 10.80.0.2 > 10.80.0.1: ICMP echo reply") {
		t.Errorf("tcpdump reads, %v:\n%s", err, read)
	}
	piped, said := asked("--protocol", "icmp", "--count", "2", "--write", "-")
	if file, err := os.ReadFile(path); err != nil || len(piped) != len(file) || said != "2 packets\n" {
		t.Errorf("%d bytes on the standard output, %d in the file; said: %s", len(piped), len(file), said)
	}
	if _, _, err := commandLine(t.Context(), "capture", "lo", "--protocol", "tpc"); err == nil || !strings.Contains(err.Error(), `"tpc" is no protocol`) {
		t.Errorf("a wrong protocol: %v", err)
	}
}

// A file that ran full is whole, and the capture ends by itself.
func TestNSACaptureEndsWhenItsFileIsFull(t *testing.T) {
	director, server := twoSpaces(t)
	path := filepath.Join(t.TempDir(), "x.pcap")
	done := make(chan struct{})
	go func() {
		defer close(done)
		director.Do(func() error {
			_, said, err := commandLine(t.Context(), "capture", "look0", "--write", path, "--size", "1", "--seconds", "30")
			if !strings.Contains(said, "ended: the file is as large as it may be") {
				t.Errorf("said %q, %v", said, err)
			}
			return err
		})
	}()
	var c net.Conn
	server.Do(func() (err error) {
		c, err = net.Dial("udp", "10.80.0.1:9")
		return err
	})
	defer c.Close()
	for full := false; !full; {
		select {
		case <-done:
			full = true
		default:
			_, _ = c.Write(make([]byte, 1400)) // that nobody listens is an error of the next one
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 1<<20 || info.Size() < 1<<20-2000 {
		t.Errorf("the file: %v, %v", info.Size(), err)
	}
}

// fakeKernel is a kernel's log that says some things at once, and one each time it is waited for.
type fakeKernel struct{ now, later []syslog.Message }

func (k *fakeKernel) Read(_ time.Duration, f func(syslog.Message)) error {
	for _, m := range k.now {
		f(m)
	}
	if k.now = nil; len(k.later) > 0 {
		k.now, k.later = k.later[:1], k.later[1:]
	}
	return nil
}

func (k *fakeKernel) Close() error { return nil }

func TestLogsHaveWhatWasKeptAndWhatTheKernelHas(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	file := &syslog.File{Dir: dir, Most: 1 << 20}
	say := func(ago time.Duration, program, text string) syslog.Message {
		return syslog.Message{Time: now.Add(-ago), Program: program, Text: text}
	}
	kept := []syslog.Message{say(3*time.Hour, "init", "going down"), say(time.Hour, "kernel", "eth0: link is up"), say(time.Minute, "evenkeel", "[WARN]  core.vrrp: nobody answers")}
	for _, m := range kept {
		if err := file.Add(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		r    logReader
		want string
	}{
		{logReader{}, "going down|eth0: link is up|[WARN]  core.vrrp: nobody answers|box is well"},
		{logReader{lines: 2}, "[WARN]  core.vrrp: nobody answers|box is well"},
		{logReader{since: 2 * time.Hour, lines: 1}, "eth0: link is up|[WARN]  core.vrrp: nobody answers|box is well"},
		{logReader{grep: "LINK.*up"}, "eth0: link is up"},
		{logReader{service: "vrrp"}, "[WARN]  core.vrrp: nobody answers"},
		{logReader{service: "box"}, "box is well"},
		{logReader{service: "eth"}, ""},
		{logReader{service: "box", follow: true}, "box is well|one more|two more"},
	} {
		r := c.r
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		r.dir = dir
		r.kernel = func() (kernelLog, error) {
			k := &fakeKernel{now: append(kept[1:len(kept):len(kept)], say(0, "box", "box is well"))}
			if r.follow {
				k.later = []syslog.Message{say(0, "box", "one more"), say(0, "kernel", "no"), say(0, "box", "two more")}
			}
			return k, nil
		}
		var out, problems bytes.Buffer
		err := r.run(ctx, &out, &problems)
		cancel()
		var texts []string
		for line := range strings.Lines(out.String()) {
			_, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			texts = append(texts, text)
		}
		if d := cmp.Diff(c.want, strings.Join(texts, "|")); d != "" || err != nil || problems.Len() > 0 {
			t.Errorf("%+v: %v %s(-want +got):\n%s", c.r, err, problems.String(), d)
		}
	}
	r := logReader{dir: dir, grep: "("}
	if err := r.run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), `"(" is no regular expression`) {
		t.Errorf("got %v", err)
	}
	// The kernel's log may be closed to this user: what was kept is there all the same.
	r = logReader{dir: dir, kernel: func() (kernelLog, error) { return nil, errors.New("it is closed to you") }}
	var out, problems bytes.Buffer
	if err := r.run(t.Context(), &out, &problems); err != nil || strings.Count(out.String(), "\n") != 3 || !strings.Contains(problems.String(), "closed to you") {
		t.Errorf("%v\n%s%s", err, out.String(), problems.String())
	}
}
