package bench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBothLanguagesSayTheSame(t *testing.T) {
	s := Size{VirtualServers: 2, RealServers: 2, Checks: PerVirtualServer, Weight: 7}
	wantEvenkeel := `director {
  name = "bench"
}

virtual_server "v0" {
  address     = "10.77.64.1:8080"
  protocol    = "tcp"
  scheduler   = "wrr"
  forward     = "dr"
  start_state = "up"

  check "tcp" {
    interval       = "300s"
    timeout        = "5s"
    fall           = 2
    retry_interval = "1s"
  }

  real_server "10.77.128.1:8080" {
    weight = 7
  }

  real_server "10.77.128.2:8080" {
    weight = 1
  }
}

virtual_server "v1" {
  address     = "10.77.64.2:8080"
  protocol    = "tcp"
  scheduler   = "wrr"
  forward     = "dr"
  start_state = "up"

  check "tcp" {
    interval       = "300s"
    timeout        = "5s"
    fall           = 2
    retry_interval = "1s"
  }

  real_server "10.77.128.3:8080" {
    weight = 1
  }

  real_server "10.77.128.4:8080" {
    weight = 1
  }
}
`
	if d := cmp.Diff(wantEvenkeel, string(s.Evenkeel())); d != "" {
		t.Error("evenkeel's:", d)
	}
	s.VirtualServers, s.RealServers = 1, 1
	wantKeepalived := `global_defs {
    router_id bench
}
virtual_server 10.77.64.1 8080 {
    delay_loop 300
    lb_algo wrr
    lb_kind DR
    protocol TCP
    real_server 10.77.128.1 8080 {
        weight 7
        TCP_CHECK {
            connect_timeout 5
            retry 1
            delay_before_retry 1
        }
    }
}
`
	if d := cmp.Diff(wantKeepalived, string(s.Keepalived())); d != "" {
		t.Error("keepalived's:", d)
	}
}

func TestTheLastVirtualServerIsWatchedByHTTP(t *testing.T) {
	s := Size{VirtualServers: 2, RealServers: 2, Checks: PerVirtualServer, Weight: 1, Watched: true}
	_, last, _ := strings.Cut(string(s.Evenkeel()), `virtual_server "v1"`)
	if strings.Count(last, evenkeelWatch) != 1 || strings.Contains(last, `"tcp" {`) {
		t.Errorf("evenkeel's: %s", last)
	}
	first, last, _ := strings.Cut(string(s.Keepalived()), "virtual_server 10.77.64.2 8080 {\n    delay_loop 5\n")
	if strings.Count(last, keepalivedWatch) != 2 || strings.Contains(last, "TCP_CHECK") || strings.Count(first, keepalivedCheck) != 2 {
		t.Errorf("keepalived's: %s", last)
	}
}

func TestSavedTableHasEveryServiceBeforeItsRealServers(t *testing.T) {
	got := string(Size{VirtualServers: 2, RealServers: 1, Weight: 7}.Save())
	want := `-A -t 10.77.64.1:8080 -s wrr
-a -t 10.77.64.1:8080 -r 10.77.128.1:8080 -g -w 7
-A -t 10.77.64.2:8080 -s wrr
-a -t 10.77.64.2:8080 -r 10.77.128.2:8080 -g -w 1
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestChecksAreWrittenAsOftenAsAskedFor(t *testing.T) {
	for _, c := range []struct {
		checks               Checking
		evenkeel, keepalived int
	}{
		{NoChecks, 0, 0},
		{PerVirtualServer, 3, 3 * 16},
		{PerRealServer, 3 * 16, 3 * 16},
	} {
		s := Size{VirtualServers: 3, RealServers: 16, Checks: c.checks, Weight: 1}
		if n := bytes.Count(s.Evenkeel(), []byte(`check "tcp" {`)); n != c.evenkeel {
			t.Errorf("%d: %d checks in evenkeel's language, want %d", c.checks, n, c.evenkeel)
		}
		if n := bytes.Count(s.Keepalived(), []byte("TCP_CHECK {")); n != c.keepalived {
			t.Errorf("%d: %d checks in keepalived's language, want %d", c.checks, n, c.keepalived)
		}
	}
}

func TestTheLargestConfigurationFitsItsNetworks(t *testing.T) {
	s := Size{VirtualServers: 1000, RealServers: 16, Weight: 1}
	text := string(s.Evenkeel())
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if label, ok := strings.CutPrefix(strings.TrimSpace(line), `real_server "`); ok {
			seen[label] = true
		}
	}
	if len(seen) != s.total() {
		t.Errorf("%d different real servers, want %d", len(seen), s.total())
	}
	// 10.77.64.0/18 and 10.77.128.0/17 are next to each other.
	if !after(firstService, 999).Less(firstServer) || after(firstServer, s.total()-1).As4()[1] != 77 {
		t.Errorf("services end at %s, real servers at %s", after(firstService, 999), after(firstServer, s.total()-1))
	}
}

func TestChangedConfigurationDiffersInOneLine(t *testing.T) {
	for name, text := range map[string]func(Size) []byte{"evenkeel": Size.Evenkeel, "keepalived": Size.Keepalived} {
		a := strings.Split(string(text(Size{VirtualServers: 50, RealServers: 10, Checks: PerVirtualServer, Weight: 1})), "\n")
		b := strings.Split(string(text(Size{VirtualServers: 50, RealServers: 10, Checks: PerVirtualServer, Weight: 7})), "\n")
		n := 0
		for i := range a {
			if a[i] != b[i] {
				n++
			}
		}
		if len(a) != len(b) || n != 1 {
			t.Errorf("%s: %d lines differ, want 1", name, n)
		}
	}
}
