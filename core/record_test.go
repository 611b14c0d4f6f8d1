package core

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/core/journal"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestWhatHappensIsWrittenThenLoggedThenTold(t *testing.T) {
	j, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var log bytes.Buffer
	r := newRecorder(j, hclog.New(&hclog.LoggerOptions{Output: &log}))
	told := make(chan struct{}, 1)
	r.follow(told)
	done := make(chan struct{})
	r.put(record{events: []sdk.Event{{ID: 1, Kind: "check", Subject: "one", From: "up", To: "down", Reason: "HTTP 503", Time: time.Unix(1, 0)}}})
	r.put(record{events: []sdk.Event{{ID: 2, Kind: "weight", Subject: "web/one", From: "1", To: "0", Cause: 1, Time: time.Unix(1, 0)}}})
	r.put(record{states: map[string]sdk.VRRPState{"VI_1": sdk.VRRPMaster}})
	r.put(record{done: done})
	if j.NextEvent() != 1 || len(log.String()) > 0 {
		t.Error("who puts something there waits until it is written")
	}
	ended := make(chan struct{})
	go func() { defer close(ended); r.run() }()
	<-told
	if events, err := j.Events(1, 10); err != nil || len(events) == 0 {
		t.Errorf("when it is told, there is nothing in the journal: %v", err)
	}
	<-done
	r.end()
	<-ended
	events, err := j.Events(1, 10)
	if err != nil || len(events) != 2 || events[1].Cause != 1 {
		t.Errorf("written: %+v, %v", events, err)
	}
	if d := cmp.Diff(map[string]sdk.VRRPState{"VI_1": sdk.VRRPMaster}, j.States()); d != "" {
		t.Error("the states:", d)
	}
	for _, line := range []string{`check: subject=one from=up to=down reason="HTTP 503" event=1`, "weight: subject=web/one from=1 to=0 event=2 cause=1"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("not logged: %s\n%s", line, log.String())
		}
	}
}

func TestWhoUnfollowsIsNotTold(t *testing.T) {
	j, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r := newRecorder(j, hclog.NewNullLogger())
	told := make(chan struct{}, 2)
	r.follow(told)
	r.write(record{events: []sdk.Event{{ID: 1}}})
	r.unfollow(told)
	r.write(record{events: []sdk.Event{{ID: 2}}})
	if len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
}
