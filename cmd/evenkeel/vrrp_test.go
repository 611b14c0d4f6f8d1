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

func TestTheStatusOfVRRPSaysWhoIsMasterAndWhatIsWrong(t *testing.T) {
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	before := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(-d)) }
	v := &controlv1.VRRP{
		Privileges: "locked in memory, SCHED_RR 50", LateTimers: 2, LateAfter: durationpb.New(time.Millisecond), MaxLate: durationpb.New(3412345), Unknown: 7,
		Groups: []*controlv1.SyncGroup{{Name: "edge", Members: []string{"VI_1", "VI_2"}}},
		Instances: []*controlv1.VRRPInstance{
			{
				Name: "VI_1", Position: "lb.hcl:3,1", Interface: "eth0", VirtualRouterId: 51, Group: "edge", State: "master", Since: before(time.Hour),
				Reason: "no advert for 3.6s", ConfiguredPriority: 100, Priority: 80, MasterAddress: "192.0.2.11", MasterPriority: 80,
				Addresses: []string{"192.0.2.1/24"}, Held: []string{"192.0.2.1/24"}, BecameMaster: 2, AdvertsSent: 3600, AdvertsReceived: 12, Announced: 1,
				Discarded:        []*controlv1.VRRPDiscard{{Reason: "checksum", Count: 3, Last: "192.0.2.9: checksum 0x1234"}, {Reason: "ttl", Count: 1, Last: "192.0.2.9: TTL 64"}},
				LargestAdvertGap: durationpb.New(1002057472), SendErrors: 1, LastSendError: "network is down",
				Notices: []*controlv1.VRRPNotice{{Kind: "rival", Text: "192.0.2.12 is master, too, with priority 50", Since: before(5 * time.Second)}},
			},
			{Name: "VI_2", Position: "lb.hcl:9,1", Interface: "eth0", VirtualRouterId: 52, Group: "edge", State: "fault", Since: before(time.Minute), Reason: "a check is down", ConfiguredPriority: 50, Priority: 50, Fault: "check.script.nginx is down"},
			{Name: "VI_3", Position: "lb.hcl:15,1", Interface: "eth1", VirtualRouterId: 53, ConfiguredPriority: 50, Released: true},
		},
	}
	var got strings.Builder
	printVRRP(&got, v, now)
	want := `VRRP INSTANCE  STATE   SINCE  PRIORITY  MASTER          INTERFACE  VRID  GROUP  REASON
VI_1           master  1h0m   80 (100)  192.0.2.11, 80  eth0       51    edge   no advert for 3.6s
VI_2           FAULT   1m0s   50        -               eth0       52    edge   check.script.nginx is down
VI_3           ?       -      (50)      -               eth1       53    -      RELEASED by an operator
PROBLEM of VI_1 for 5s: rival: 192.0.2.12 is master, too, with priority 50

group edge: its members differ (VI_1 VI_2)

VI_1: 192.0.2.1/24  (lb.hcl:3,1)
  holds 192.0.2.1/24
  adverts: 3600 sent, 12 received, 4 discarded
    checksum: 3, the last: 192.0.2.9: checksum 0x1234
    ttl: 1, the last: 192.0.2.9: TTL 64
  1 advert could not be sent, the last: network is down
  master 2 times, largest gap between adverts 1.002s, 1 announcement

VI_2:   (lb.hcl:9,1)
  holds nothing
  adverts: 0 sent, 0 received, 0 discarded
  master 0 times, largest gap between adverts 0s, 0 announcements

VI_3:   (lb.hcl:15,1)
  holds nothing
  adverts: 0 sent, 0 received, 0 discarded
  master 0 times, largest gap between adverts 0s, 0 announcements

locked in memory, SCHED_RR 50
timers late by more than 1ms: 2, the latest by 3.41ms; adverts of unknown routers: 7
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
}

func TestWhatIsSuspendedAndADryRunStandOut(t *testing.T) {
	var got strings.Builder
	printStatus(&got, &controlv1.StatusResponse{
		Vrrp:           &controlv1.VRRP{Problem: "dry run: takes no part", Instances: []*controlv1.VRRPInstance{{Name: "VI_1"}}},
		VirtualServers: []*controlv1.VirtualServer{{Name: "web", Suspended: "its checks follow VI_1, which is not master here"}},
	}, false, time.Now())
	for _, want := range []string{"PROBLEM with VRRP: dry run: takes no part", "checks suspended: its checks follow VI_1, which is not master here", "VRRP INSTANCE"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q is not in\n%s", want, got.String())
		}
	}
}

func TestATimeIsWrittenInASCII(t *testing.T) {
	for of, want := range map[time.Duration]string{
		0: "0s", 123456 * time.Nanosecond: "120us", 3456 * time.Microsecond: "3.46ms", 93456 * time.Microsecond: "93ms", time.Second + 2600*time.Microsecond: "1.003s",
	} {
		if got := span(durationpb.New(of)); got != want {
			t.Errorf("%v is written %q, want %q", of, got, want)
		}
	}
}
