package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func TestPluginsAreListedByKindAndName(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	since := timestamppb.New(now.Add(-90 * time.Second))
	var all []runningPlugin
	for _, p := range []*controlv1.Plugin{
		{Name: "check-http", Version: "1.0.0", State: "running", Pid: 42, Since: since, Memory: 5 << 20, Cpu: durationpb.New(1234 * time.Millisecond)},
		{Name: "check-my-own", Version: "0.1.0", State: "backoff", Since: since, Restarts: 3, LastError: "it died: exit status 1: no licence"},
		{Name: "ipvs", Version: "1.0.0", State: "failed", Since: since, Restarts: 1, LastError: "the kernel has no ip_vs"},
		{Name: "vrrp", Version: "1.0.0", State: "running", Pid: 7, Since: since},
	} {
		all = append(all, running(p))
	}
	var b strings.Builder
	printPlugins(&b, all, now)
	const want = `KIND      NAME    VERSION  STATE    PID  SINCE  MEMORY   CPU    RESTARTS  LAST ERROR
check     http    1.0.0    running  42   1m30s  5.0 MiB  1.23s  0
check     my-own  0.1.0    backoff  -    1m30s  -        0s     3         it died: exit status 1: no licence
balancer  ipvs    1.0.0    failed   -    1m30s  -        0s     1         the kernel has no ip_vs
vrrp      vrrp    1.0.0    running  7    1m30s  -        0s     0
`
	if b.String() != want {
		t.Errorf("it is\n%s\nwant\n%s", b.String(), want)
	}
}
