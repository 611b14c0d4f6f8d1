package bench

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestBothDaemonsGetTheSamePopulation(t *testing.T) {
	for _, p := range []population{{"tcp", 10_000}, {"http", 2000}} {
		e, k := p.evenkeel(), p.keepalived()
		for _, server := range []string{firstServer.String(), after(firstServer, p.targets-1).String()} {
			if !strings.Contains(e, `real_server "`+server+`:8080" {}`) || !strings.Contains(k, "real_server "+server+" 8080 {") {
				t.Errorf("%s: not both have %s", p.name(), server)
			}
		}
		if n := strings.Count(e, "real_server "); n != p.targets || n != strings.Count(k, "real_server ") {
			t.Errorf("%s: %d and %d real servers", p.name(), n, strings.Count(k, "real_server "))
		}
		if n := strings.Count(e, `check "`+p.check+`" {`); n != p.targets/realServers {
			t.Errorf("%s: %d blocks", p.name(), n)
		}
		word := map[string]string{"tcp": "TCP_CHECK {", "http": "HTTP_GET {"}[p.check]
		if n := strings.Count(k, word); n != p.targets {
			t.Errorf("%s: %d times %s", p.name(), n, word)
		}
		if open, shut := strings.Count(k, "{"), strings.Count(k, "}"); open != shut {
			t.Errorf("%s: %d blocks are opened, %d closed", p.name(), open, shut)
		}
	}
}

func TestTheTimeOfALineIsThatOfItsEnd(t *testing.T) {
	l := &lines{}
	l.Write([]byte("first\nRemoving service [10.0.0."))
	between := time.Now()
	l.Write([]byte("1]:tcp\nRemoving service [10.0.0.2]\n"))
	first := time.Now()
	l.Write([]byte("Removing service [10.0.0.1] again\n"))
	at := l.matching(decided[keepalived])
	if len(at) != 2 || at["10.0.0.1"].Before(between) || at["10.0.0.1"].After(first) {
		t.Errorf("between %s and %s: %v", between, first, at)
	}
	if got := l.text(); strings.Count(got, "\n") != 3 || !strings.HasPrefix(got, "first\nRemoving service [10.0.0.1]:tcp\n") {
		t.Errorf("the text is %q", got)
	}
}

func TestEachDaemonsDecisionIsFoundInItsLog(t *testing.T) {
	for column, line := range map[int]string{
		evenkeel:   `2026-11-21T09:04:22.396Z [INFO]  evenkeel: weight: subject=v0/10.77.128.5:8080 from=1 to=0 reason="the real server is down: HTTP 503; it is out of the table" event=24 cause=23`,
		keepalived: `Sat Nov 21 09:04:56 2026: Removing service [10.77.128.5]:tcp:8080 from VS [10.76.0.2]:tcp:8080`,
	} {
		if found := decided[column].FindStringSubmatch(line); len(found) != 2 || found[1] != "10.77.128.5" {
			t.Errorf("%s: %q", names[column], found)
		}
	}
	if decided[evenkeel].MatchString(`weight: subject=v0/10.77.128.5:8080 from=0 to=1`) {
		t.Error("a server that comes back is taken for one that goes")
	}
}

func TestTheFirstOfADaemonsProcessesIsNotAChildOfAnother(t *testing.T) {
	child := exec.Command("/bin/sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	for _, pids := range [][]int{{os.Getpid(), child.Process.Pid}, {child.Process.Pid, os.Getpid()}} {
		if got, err := firstOf(pids); err != nil || got != os.Getpid() {
			t.Errorf("of %v: %d, %v", pids, got, err)
		}
	}
	if _, err := firstOf(nil); err == nil {
		t.Error("of none there is one")
	}
}

func TestAGoalThatIsALimitIsForTheLargestValue(t *testing.T) {
	r := &Report{Log: os.Stderr}
	r.most("late, %", 10)
	row := r.Row("late, %")
	for _, tt := range []struct {
		value float64
		met   bool
	}{{3, true}, {10, true}, {10.1, false}, {2, false}} {
		r.add("late, %", evenkeel, tt.value)
		if row.met(row) != tt.met {
			t.Errorf("after %g: %t", tt.value, !tt.met)
		}
	}
}
