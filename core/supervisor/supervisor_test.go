package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func check(name string, attach func(context.Context, *Instance) error) Plugin {
	return Plugin{Kind: sdk.KindCheck, Name: name, Builtin: true, Attach: attach}
}

// target is a target of the check port that says something.
func target(say string) sdk.Target {
	return sdk.Target{
		ID:       "say " + say,
		Address:  netip.MustParseAddr("192.0.2.1"),
		Config:   fmt.Appendf(nil, `{"say":%q}`, say),
		Schedule: sdk.Schedule{Interval: time.Hour, Timeout: patience, Fall: 1, Rise: 1},
	}
}

// ask starts the check port and returns what it says.
func (b *bench) ask(say string) string {
	b.t.Helper()
	answer := make(chan error, 1)
	b.Set([]Plugin{check("port", func(ctx context.Context, in *Instance) error {
		answer <- in.Checker().Probe(ctx, target(say))
		return nil
	})})
	select {
	case err := <-answer:
		var down *sdk.DownError
		if err != nil && !errors.As(err, &down) {
			b.t.Fatalf("asking the plugin: %v", err)
		}
		return fmt.Sprint(err)
	case <-time.After(patience):
		b.t.Fatalf("the plugin does not answer: %+v", b.Status())
	}
	return ""
}

func TestAPluginIsStartedToldWatchedAndStopped(t *testing.T) {
	b := newBench(t)
	verdicts := make(chan sdk.CheckReport, 10)
	b.Set([]Plugin{check("port", func(ctx context.Context, in *Instance) error {
		if in.Info.Version != "2.3.4" || in.Info.Schema.Attributes[0].Name != "say" {
			t.Errorf("the plugin says of itself %+v", in.Info)
		}
		c := in.Checker()
		if err := c.Apply(ctx, sdk.TargetUpdate{Generation: 1, Full: true, Targets: []sdk.Target{target("hello")}}); err != nil {
			return err
		}
		return c.Watch(ctx, func(r sdk.CheckReport) { verdicts <- r })
	})})
	for deadline := time.After(patience); ; {
		var r sdk.CheckReport
		select {
		case r = <-verdicts:
		case <-deadline:
			t.Fatal("no verdict")
		}
		if len(r.Verdicts) == 1 && r.Verdicts[0].State == sdk.StateDown {
			if r.Verdicts[0].Reason != "hello" {
				t.Errorf("the reason is %q", r.Verdicts[0].Reason)
			}
			break
		}
	}
	s := b.awaitState("check-port", Running)
	if s.PID == 0 || s.Version != "2.3.4" || s.Memory == 0 || s.Restarts != 0 || s.LastError != "" {
		t.Errorf("the status of a plugin that runs is %+v", s)
	}
	b.stop()
	if alive(s.PID) {
		t.Errorf("process %d goes on after Stop", s.PID)
	}
}

func TestAPluginThatIsKilledIsBack(t *testing.T) {
	b := newBench(t)
	b.Set([]Plugin{check("port", nil)})
	first := b.awaitState("check-port", Running)
	unix.Kill(first.PID, unix.SIGKILL)
	second := b.await("check-port", "another process", func(s Status) bool { return s.State == Running && s.PID != first.PID })
	if second.Restarts != 1 || second.LastError != "it died: signal: killed" {
		t.Errorf("the status after it is %+v", second)
	}
}

func TestAnAttachThatFailsEndsTheIncarnation(t *testing.T) {
	b := newBench(t)
	pids := make(chan int, 10)
	b.Set([]Plugin{check("port", func(_ context.Context, in *Instance) error {
		pids <- in.PID
		if len(pids) == 1 {
			return errors.New("I don't like this one")
		}
		return nil
	})})
	s := b.await("check-port", "a second incarnation", func(s Status) bool { return s.State == Running && s.Restarts == 1 })
	if s.LastError != "I don't like this one" {
		t.Errorf("the last error is %q", s.LastError)
	}
	if first, second := <-pids, <-pids; first == second || alive(first) {
		t.Errorf("process %d was to be replaced, and %d runs", first, second)
	}
}

func TestAPluginThatCannotWorkHereSaysWhy(t *testing.T) {
	b := newBench(t)
	b.Set([]Plugin{{Kind: sdk.KindBalancer, Name: "ipvs", Builtin: true}, check("port", nil)})
	s := b.awaitState("ipvs", Failed)
	if s.LastError != "the kernel has no ip_vs: modprobe ip_vs" {
		t.Errorf("the last error is %q", s.LastError)
	}
	b.awaitState("check-port", Running)
	b.await("ipvs", "it is asked again now and then", func(s Status) bool { return s.Restarts >= 3 && s.State == Failed })
}
