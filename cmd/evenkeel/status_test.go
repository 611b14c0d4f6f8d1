package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func TestTheStatusIsWhatAnOperatorNeedsAtThreeInTheMorning(t *testing.T) {
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	before := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(-d)) }
	st := &controlv1.StatusResponse{
		Director: "lb1", Version: "1.0", Pid: 42, Started: before(26 * time.Hour),
		Configuration: &controlv1.Configuration{Paths: []string{"/etc/evenkeel/lb.hcl"}, Loaded: before(90 * time.Minute), Problem: "Error: no\n  on lb.hcl:3,1:"},
		VirtualServers: []*controlv1.VirtualServer{{
			Name: "web", Position: "lb.hcl:3,1", Service: "tcp 192.0.2.1:80", Scheduler: "wrr", Quorum: 1, Weight: 3, HasQuorum: true, Sorry: "configured",
			RealServers: []*controlv1.RealServer{
				{Address: "192.0.2.11:80", Forward: "dr", State: "up", Reason: "all its checks are up", Since: before(time.Hour), ConfiguredWeight: 3, Weight: 3, InTable: true, Active: 12, Inactive: 3,
					Traffic: &controlv1.Traffic{ConnectionsPerSecond: 5}},
				{Address: "192.0.2.12:80", Forward: "dr", State: "down", Since: before(10 * time.Second), ConfiguredWeight: 1, Reason: "HTTP 503"},
				{Address: "192.0.2.13:80", Forward: "dr", State: "up", Since: before(time.Minute), ConfiguredWeight: 4, Weight: 2, InTable: true, WeightReason: "50% of its weight: the agent says 50%"},
			},
		}},
		Balancer: &controlv1.Balancer{Version: "1.2.1", ConnectionTableSize: 4096, Writes: 7},
		Plugins: []*controlv1.Plugin{
			{Name: "check-http", Version: "1.0", State: "running", Pid: 44, Since: before(time.Hour), Restarts: 1, Memory: 3 << 20, Cpu: durationpb.New(1500 * time.Millisecond), LastError: "signal: killed"},
		},
	}
	var got strings.Builder
	printStatus(&got, st, false, now)
	want := `director lb1, evenkeel 1.0, pid 42, up 1d2h
configuration /etc/evenkeel/lb.hcl, loaded 1h30m ago

PROBLEM with the configuration:
  Error: no
    on lb.hcl:3,1:

web  tcp 192.0.2.1:80 wrr, quorum 3 of 1, sorry server configured  (lb.hcl:3,1)
  REAL SERVER       FORWARD  WEIGHT  STATE  SINCE  ACTIVE  INACTIVE  CONN/S  REASON
  -> 192.0.2.11:80  dr       3       up     1h0m   12      3         5
  -> 192.0.2.12:80  dr       - (1)   DOWN   10s    0       0         0       HTTP 503
  -> 192.0.2.13:80  dr       2 (4)   up     1m0s   0       0         0       50% of its weight: the agent says 50%

IPVS 1.2.1, connection table of 4096, 7 writes since the start

PLUGIN      STATE    PID  SINCE  RESTARTS  MEMORY   CPU   LAST ERROR
check-http  running  44   1h0m   1         3.0 MiB  1.5s  signal: killed
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
}

func TestTheBriefStatusHasALineForEachVirtualServer(t *testing.T) {
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	var got strings.Builder
	printStatus(&got, &controlv1.StatusResponse{
		Director: "lb1", Version: "1.0", Pid: 42, Started: timestamppb.New(now.Add(-time.Minute)),
		Configuration: &controlv1.Configuration{Paths: []string{"lb.hcl"}, Loaded: timestamppb.New(now.Add(-time.Minute))},
		VirtualServers: []*controlv1.VirtualServer{
			{Name: "web", Service: "tcp 192.0.2.1:80", Quorum: 1, Weight: 3, HasQuorum: true, Sorry: "configured", Servers: 3, ServersUp: 2},
			{Name: "mail", Service: "fwmark 7", Quorum: 2, Sorry: "in", Servers: 2, Suspended: "its checks follow VI_1, which is not master here"},
		},
		Balancer: &controlv1.Balancer{Writes: 7},
	}, true, now)
	want := `director lb1, evenkeel 1.0, pid 42, up 1m0s
configuration lb.hcl, loaded 1m0s ago

VIRTUAL SERVER  SERVICE           UP      WEIGHT  QUORUM  SORRY SERVER  REMARK
web             tcp 192.0.2.1:80  2 of 3  3       1       configured
mail            fwmark 7          0 of 2  0       2 LOST  in            checks suspended: its checks follow VI_1, which is not master here

7 writes to the kernel's table since the start

PLUGIN  STATE  PID  SINCE  RESTARTS  MEMORY  CPU  LAST ERROR
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
}

func TestOldCountersAreSaidToBeOld(t *testing.T) {
	now := time.Now()
	for age, want := range map[time.Duration]bool{time.Second: false, 70 * time.Second: true} {
		var got strings.Builder
		printBalancer(&got, &controlv1.Balancer{Version: "1.2.1", Read: timestamppb.New(now.Add(-age))}, false, false, now)
		if strings.Contains(got.String(), "counters are of 1m10s ago") != want {
			t.Errorf("read %v ago:\n%s", age, got.String())
		}
	}
}

func TestALostQuorumStandsOut(t *testing.T) {
	var got strings.Builder
	printVirtualServers(&got, []*controlv1.VirtualServer{{Name: "web", Quorum: 2, Weight: 1, Sorry: "in"}}, time.Now())
	if !strings.Contains(got.String(), "QUORUM LOST (1 of 2), sorry server in") {
		t.Errorf("got:\n%s", got.String())
	}
}

func TestATimeIsToldInItsTwoLargestUnits(t *testing.T) {
	now := time.Unix(1e9, 0)
	for d, want := range map[time.Duration]string{
		0:                             "0s",
		59 * time.Second:              "59s",
		61 * time.Second:              "1m1s",
		3*time.Hour + 5*time.Minute:   "3h5m",
		100*time.Hour + 9*time.Minute: "4d4h",
		-time.Second:                  "0s", // a clock that was set back
	} {
		if got := ago(timestamppb.New(now.Add(-d)), now); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := ago(nil, now); got != "-" {
		t.Errorf("never is %q", got)
	}
}
