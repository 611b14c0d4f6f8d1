package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table makes a /proc of "comm|state|command line", the words of which are divided by blanks.
func table(t *testing.T, processes ...string) counter {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "uptime"), "1 2\n")
	for i, p := range processes {
		fields := strings.Split(p, "|")
		folder := filepath.Join(dir, fmt.Sprint(100+i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(folder, "stat"), fmt.Sprintf("%d (%s) %s 1 1 1 0 -1", 100+i, fields[0], fields[1]))
		write(filepath.Join(folder, "cmdline"), strings.ReplaceAll(fields[2], " ", "\x00")+"\x00")
	}
	if err := os.Mkdir(filepath.Join(dir, "999"), 0o755); err != nil { // a process that has just ended
		t.Fatal(err)
	}
	return counter{proc: dir, lookup: lookup}
}

// probe validates a configuration and returns the reason; "": up.
func probe(t *testing.T, p counter, c Config) string {
	t.Helper()
	if c.Min == 0 && c.Max == 0 {
		c.Min = 1
	}
	if ds := c.Validate(); len(ds) > 0 {
		t.Fatal(ds)
	}
	if err := p.probe(t.Context(), sdk.Target{}, c); err != nil {
		return err.Error()
	}
	return ""
}

func TestProcessesAreCounted(t *testing.T) {
	p := table(t,
		"nginx|S|nginx: master process /usr/sbin/nginx -g daemon on;",
		"nginx|R|nginx: worker process",
		"nginx|Z|",
		"haproxy|Z|",
		"kworker/0:0|I|",
		"a) S (b|D|/bin/a -x",
		"prometheus-node|S|/usr/bin/prometheus-node-exporter --web",
		"prometheus-node|S|/usr/bin/python3 /opt/prometheus-node-other",
		"python3|S|/usr/bin/python3 /opt/shop.py --port 80",
	)
	for _, tt := range []struct {
		c    Config
		want string
	}{
		{Config{Name: "nginx"}, ""},
		{Config{Name: "nginx", Min: 2, Max: 2}, ""},
		{Config{Name: "nginx", Min: 3}, "process nginx: 2 running, want at least 3"},
		{Config{Name: "nginx", Min: 0, Max: 1}, "process nginx: 2 running, want at most 1"},
		{Config{Name: "ngin"}, "process ngin is not running"},
		{Config{Name: "haproxy"}, "process haproxy is not running"},
		{Config{Name: "apache2", Min: 0, Max: 3}, ""},
		{Config{Name: "a) S (b"}, ""},
		{Config{Name: "prometheus-node-exporter"}, ""},
		{Config{Name: "prometheus-node-other", Min: 1, Max: 1}, ""},
		{Config{Name: "prometheus-node-nobody"}, "process prometheus-node-nobody is not running"},
		{Config{Name: "^nginx: master", Match: "command"}, ""},
		{Config{Name: `shop\.py --port 80$`, Match: "command", Min: 1, Max: 1}, ""},
		{Config{Name: "shop --port 81", Match: "command"}, `process with command line "shop --port 81" is not running`},
		{Config{Name: "nginx", User: fmt.Sprint(os.Getuid()), Min: 2, Max: 2}, ""},
		{Config{Name: "nginx", User: "4000000000"}, "process nginx of user 4000000000 is not running"},
		{Config{Name: "nginx", User: "no-such-user"}, "there is no user no-such-user"},
	} {
		if got := probe(t, p, tt.c); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.c, got, tt.want)
		}
	}
}

func TestARealProcessIsFoundAndMissed(t *testing.T) {
	sleep := exec.Command("sleep", "86399")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	p, c := counter{proc: "/proc", lookup: lookup}, Config{Name: "^sleep 86399$", Match: "command"}
	got := probe(t, p, c)
	sleep.Process.Kill()
	if got != "" {
		t.Errorf("while it runs: %s", got)
	}
	// It is a zombie, and then nothing.
	for range 2 {
		sleep.Process.Wait()
		if got, want := probe(t, p, c), `process with command line "^sleep 86399$" is not running`; got != want {
			t.Errorf("when it has ended: got %q, want %q", got, want)
		}
	}
}

func TestWithoutProcTheCheckFailsAndSaysWhy(t *testing.T) {
	got := probe(t, counter{proc: filepath.Join(t.TempDir(), "proc"), lookup: lookup}, Config{Name: "nginx"})
	if !strings.HasPrefix(got, "looking for processes: ") {
		t.Errorf("got %q", got)
	}
}

func FuzzParseStat(f *testing.F) {
	for _, s := range []string{"1 (a) S 1", "1 (a) b) R 1", "", "()", "1 (a)", ")(", "1 (a) "} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		comm, _, ok := parseStat(b)
		if ok && len(comm)+4 > len(b) {
			t.Errorf("%q has the name %q", b, comm)
		}
	})
}
