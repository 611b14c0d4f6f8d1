package core

import (
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// plugin returns what a status says of a plugin.
func plugin(st *controlv1.StatusResponse, name string) *controlv1.Plugin {
	for _, p := range st.Plugins {
		if p.Name == name {
			return p
		}
	}
	return &controlv1.Plugin{}
}

func TestACheckThatPanicsIsOneFailedProbeAndNotADeadPlugin(t *testing.T) {
	b := newBox(t)
	b.start()
	st := b.eventually("both servers are in", are("up 3, up 1"))
	before := plugin(st, "check-file")
	b.says("two", "panic")
	st = b.eventually("one is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "up 3, down") })
	if !strings.Contains(states(st), "panic in Probe: what a file") {
		t.Errorf("the reason does not say that the check panics: %s", states(st))
	}
	b.says("two", "")
	st = b.eventually("it is in again", are("up 3, up 1"))
	if p := plugin(st, "check-file"); p.Pid != before.Pid || p.Restarts != 0 || p.State != "running" {
		t.Errorf("the plugin is %v, and was %v", p, before)
	}
}

func TestAPluginThatEatsMemoryIsEndedAndItsTargetsKeepTheirVerdicts(t *testing.T) {
	b := newBox(t)
	b.start()
	b.eventually("both servers are in", are("up 3, up 1"))
	b.up("two", false)
	b.eventually("one is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "up 3, down") })
	b.says("one", "eat")
	var ended *controlv1.Plugin
	for deadline := time.Now().Add(30 * time.Second); ended == nil; time.Sleep(20 * time.Millisecond) { // memory is looked at every 10 s
		st := b.status()
		if !strings.HasPrefix(states(st), "up 3, down") {
			t.Fatalf("a verdict changed: %s", states(st))
		}
		if p := plugin(st, "check-file"); p.Restarts > 0 {
			ended = p
		}
		if time.Now().After(deadline) {
			t.Fatalf("the plugin still runs: %v", plugin(st, "check-file"))
		}
	}
	if !strings.Contains(ended.LastError, "MiB of memory, and may use 512") {
		t.Errorf("it was ended because: %s", ended.LastError)
	}
	b.says("one", "")
	b.up("two", true)
	st := b.eventually("the successor sees the server come back", are("up 3, up 1"))
	for _, e := range b.events() {
		if e.Kind == "real_server" && strings.Contains(e.Subject, "one") && e.To == "down" {
			t.Errorf("a server went down meanwhile: %v", e)
		}
	}
	if p := plugin(st, "check-file"); p.State != "running" {
		t.Errorf("the successor is %v", p)
	}
}
