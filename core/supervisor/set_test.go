package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestAPluginThatIsStillWantedGoesOn(t *testing.T) {
	b := newBench(t)
	b.Set([]Plugin{check("port", nil), check("good", nil)})
	port, good := b.awaitState("check-port", Running), b.awaitState("check-good", Running)

	attached := make(chan int, 1)
	b.Set([]Plugin{check("port", func(_ context.Context, in *Instance) error {
		attached <- in.PID
		return nil
	})})
	b.eventually("a plugin that nobody wants is gone", func() bool { return len(b.Status()) == 1 })
	if alive(good.PID) {
		t.Errorf("the process %d of a plugin that nobody wants is still there", good.PID)
	}
	if s := b.awaitState("check-port", Running); s.PID != port.PID {
		t.Errorf("the plugin that is still wanted was process %d and is %d", port.PID, s.PID)
	}
	select {
	case <-attached:
		t.Error("the new Attach was called for the old incarnation")
	default:
	}
	kill(port.PID)
	if pid := <-attached; pid == port.PID {
		t.Error("the new Attach got the old incarnation")
	}
}

func TestAPluginThatIsWantedAgainStartsAfterTheOldOneHasEnded(t *testing.T) {
	b := newBench(t, func(o *Options) { o.StopTimeout = time.Second })
	slow := check("hangs-in-stop", nil)
	b.Set([]Plugin{slow})
	old := b.awaitState("check-hangs-in-stop", Running)
	b.Set(nil)
	b.Set([]Plugin{slow})
	b.await("check-hangs-in-stop", "another process", func(s Status) bool {
		if s.PID != 0 && s.PID != old.PID && alive(old.PID) {
			t.Fatal("two of them are running")
		}
		return s.State == Running && s.PID != old.PID
	})
}

func TestStatusIsInOrder(t *testing.T) {
	b := newBench(t)
	b.Set([]Plugin{check("port", nil), check("good", nil), {Kind: sdk.KindVRRP, Name: "vrrp", Builtin: true}})
	var names []string
	for _, s := range b.Status() {
		names = append(names, s.String())
	}
	if got := strings.Join(names, " "); got != "check-good check-port vrrp" {
		t.Errorf("the status lists %s", got)
	}
}

func TestAPluginIsToldHowItEnds(t *testing.T) {
	for _, release := range []bool{true, false} {
		b := newBench(t)
		b.Set([]Plugin{check("words", nil)})
		b.awaitState("check-words", Running)
		ctx, cancel := context.WithTimeout(t.Context(), b.o.StopTimeout/2) // one that does not object is not given all of it
		defer cancel()
		if err := b.Stop(ctx, Ending{Release: release}); err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: "farewell: in_time=true release=true", false: "farewell: in_time=true release=false"}
		if !strings.Contains(b.log.String(), want[release]) {
			t.Errorf("%q is not in the log", want[release])
		}
		if strings.Contains(b.log.String(), "the core is gone") {
			t.Error("the plugin took the order to stop for the core's death")
		}
	}
}

func TestStopKillsWhenThereIsNoTime(t *testing.T) {
	b := newBench(t, func(o *Options) { o.StopTimeout = time.Hour })
	b.Set([]Plugin{check("hangs-in-stop", nil), check("good", nil)})
	s := b.awaitState("check-hangs-in-stop", Running)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := b.Stop(ctx, Ending{})
	if err == nil || !strings.Contains(err.Error(), "stopping plugin check-hangs-in-stop: context deadline exceeded") {
		t.Errorf("Stop returns %v", err)
	}
	if alive(s.PID) {
		t.Error("the process is still there")
	}
}

func TestStopWhileAPluginStarts(t *testing.T) {
	b := newBench(t, func(o *Options) { o.StartTimeout = time.Hour })
	b.Set([]Plugin{check("silent", nil), check("hangs-in-describe", nil), check("good", nil)})
	b.awaitState("check-good", Running)
	b.stop()
}

func TestADryRunIsToldToThePlugin(t *testing.T) {
	for _, dry := range []bool{false, true} {
		b := newBench(t, func(o *Options) { o.DryRun = dry })
		answer := make(chan error, 1)
		b.Set([]Plugin{check("words", func(ctx context.Context, in *Instance) error {
			answer <- in.Checker().Probe(ctx, target("x"))
			return nil
		})})
		if err := <-answer; (err != nil) != dry {
			t.Errorf("with dry run %t the plugin says %v", dry, err)
		}
	}
}

func TestDescribeAsksAPluginThatDoesNotRun(t *testing.T) {
	b := newBench(t)
	d, err := b.Describe(t.Context(), check("port", nil))
	if err != nil {
		t.Fatal(err)
	}
	pid := d.in.process.pid()
	if d.Info.Name != "port" || len(d.Info.Schema.Attributes) != 1 {
		t.Errorf("the plugin says of itself %+v", d.Info)
	}
	diagnostics, err := d.Validate(t.Context(), []byte(`{"sai":"x"}`))
	if err != nil || len(diagnostics) != 2 {
		t.Errorf("asking about a wrong block: %v, %v; want two diagnostics", diagnostics, err)
	}
	d.Close()
	if alive(pid) {
		t.Error("the process is still there after Close")
	}
	if _, err := b.Describe(t.Context(), check("lies-about-schema", nil)); err == nil || !strings.Contains(err.Error(), "plugin check-lies-about-schema: ") {
		t.Errorf("describing a liar: %v", err)
	}
	if len(b.Status()) != 0 {
		t.Errorf("Describe has left %+v", b.Status())
	}
}

func TestStopEndsDescriptionsToo(t *testing.T) {
	b := newBench(t)
	d, err := b.Describe(t.Context(), check("port", nil))
	if err != nil {
		t.Fatal(err)
	}
	late := make(chan error, 1)
	go func() {
		_, err := b.Describe(t.Context(), check("hangs-in-describe", nil))
		late <- err
	}()
	time.Sleep(100 * time.Millisecond)
	b.stop()
	if alive(d.in.process.pid()) {
		t.Error("a description's process is still there")
	}
	if err := <-late; err == nil {
		t.Error("a description that hangs was given")
	}
	d.Close()
	if _, err := b.Describe(t.Context(), check("port", nil)); !errors.Is(err, ErrStopped) {
		t.Errorf("describing after Stop: %v", err)
	}
}
