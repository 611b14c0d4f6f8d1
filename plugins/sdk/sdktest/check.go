package sdktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// reasonable complains of a reason that an operator can't read.
func reasonable(c *complaints, reason string) {
	switch {
	case reason == "":
		c.add("there is no reason why the target is down")
	case len(reason) > 512 || !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl):
		c.add("the reason is not a line of at most 512 bytes of UTF-8: %q", reason)
	case strings.Contains(reason, "goroutine ") || strings.Contains(reason, "panic"):
		c.add("the reason is a panic: %s", reason)
	}
}

// apply makes the plugin probe the kit's two targets.
func (k *kit) apply(ctx context.Context, generation uint64) error {
	return sdk.NewCheckerClient(k.conn).Apply(ctx, sdk.TargetUpdate{
		Generation: generation, Full: true, Targets: []sdk.Target{k.up, k.down}})
}

func watches(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := k.apply(ctx, 7); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := k.watch(ctx)
	defer w.stop()
	w.decided(c)
	time.Sleep(2 * interval)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range w.reports {
		if r.Snapshot != (i == 0) {
			c.add("report %d: snapshot is %t", i, r.Snapshot)
		}
		if r.Generation != 7 {
			c.add("report %d is of generation %d, not 7", i, r.Generation)
		}
	}
	for _, r := range w.reports {
		for _, v := range r.Verdicts {
			if v.Factor != 0 && !k.plugin.Info().Schema.Weighs {
				c.add("the verdict on %q has a weight, and the schema does not declare that it weighs", v.TargetID)
			}
			if v.Factor != 0 && v.State != sdk.StateUp {
				c.add("the verdict on %q has a weight, and it is %s", v.TargetID, v.State)
			}
		}
	}
	if len(w.reports) > 0 {
		var ids []string
		for _, v := range w.reports[0].Verdicts {
			ids = append(ids, v.TargetID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, []string{"down", "up"}) {
			c.add("the snapshot has the targets %q", ids)
		}
	}
	return wrong
}

func appliesTwice(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := k.apply(ctx, 1); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := k.watch(ctx)
	defer w.stop()
	w.decided(c)
	w.mu.Lock()
	before := w.verdicts
	w.mu.Unlock()
	for generation := range uint64(5) {
		if err := k.apply(ctx, 2+generation); err != nil {
			c.add("applying again: %v", err)
		}
		time.Sleep(interval / 2)
	}
	time.Sleep(3 * interval)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.verdicts - before; n > 0 {
		c.add("applying the same again leads to %d verdicts", n)
	}
	return wrong
}

func removes(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := k.apply(ctx, 1); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := k.watch(ctx)
	defer w.stop()
	w.decided(c)
	err := sdk.NewCheckerClient(k.conn).Apply(ctx, sdk.TargetUpdate{Generation: 2, Removed: []string{"down"}})
	if err != nil {
		c.add("removing: %v", err)
	}
	w.mu.Lock()
	w.reports = nil
	w.mu.Unlock()
	again := k.watch(ctx)
	defer again.stop()
	again.until(func() bool { return len(again.reports) > 0 })
	time.Sleep(3 * interval)
	for _, w := range []*watch{w, again} {
		w.mu.Lock()
		for _, r := range w.reports {
			for _, v := range r.Verdicts {
				if v.TargetID == "down" && r.Generation > 1 {
					c.add("of the removed target it says: %s", v.State)
				}
			}
			for _, s := range r.Summaries {
				if s.TargetID == "down" && r.Generation > 1 {
					c.add("it still counts probes of the removed target")
				}
			}
		}
		w.mu.Unlock()
	}
	if again.states["up"].State != sdk.StateUp {
		c.add("the other target has lost its verdict")
	}
	return wrong
}

func probes(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	checker := sdk.NewCheckerClient(k.conn)
	if err := checker.Probe(ctx, k.up); err != nil {
		c.add("a probe of the target that is up: %v", err)
	}
	var down *sdk.DownError
	switch err := checker.Probe(ctx, k.down); {
	case err == nil:
		c.add("a probe of the target that is down finds it up")
	case !errors.As(err, &down):
		c.add("a probe of the target that is down: %v", err)
	default:
		reasonable(c, down.Reason)
	}
	wrong = append(wrong, k.lives(ctx)...)
	return wrong
}

// lives complains if the plugin no longer answers.
func (k *kit) lives(ctx context.Context) []string {
	if _, err := sdk.NewPluginClient(k.conn).Describe(ctx, "sdktest", k.c.DryRun); err != nil {
		return []string{"the plugin does not answer any more: " + err.Error()}
	}
	return nil
}

func refusesUpdates(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := k.apply(ctx, 3); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	raw := pluginv1.NewCheckServiceClient(k.conn)
	second := durationpb.New(time.Second)
	target := func(change func(*pluginv1.Target)) *pluginv1.Target {
		t := &pluginv1.Target{Id: "strange", Address: k.up.Address.String(), Port: uint32(k.up.Port), ConfigJson: k.up.Config,
			Schedule: &pluginv1.Schedule{Interval: second, Timeout: second, Fall: 1, Rise: 1}}
		if !k.up.Address.IsValid() {
			t.Address = ""
		}
		change(t)
		return t
	}
	strange := map[string]func(*pluginv1.Target){
		"no id":                 func(t *pluginv1.Target) { t.Id = "" },
		"no address":            func(t *pluginv1.Target) { t.Address = "not an address" },
		"a port beyond 65535":   func(t *pluginv1.Target) { t.Port = 1 << 20 },
		"a negative interval":   func(t *pluginv1.Target) { t.Schedule.Interval = durationpb.New(-time.Second) },
		"an endless interval":   func(t *pluginv1.Target) { t.Schedule.Interval = &durationpb.Duration{Seconds: 1 << 60} },
		"a fall without end":    func(t *pluginv1.Target) { t.Schedule.Fall = 1<<32 - 1 },
		"a rise without end":    func(t *pluginv1.Target) { t.Schedule.Rise = 1<<32 - 1 },
		"a state of no meaning": func(t *pluginv1.Target) { t.Initial = 77 },
	}
	for i, g := range garbage {
		if g == `{` || g == `[]` || g == `{"no_such_attribute":1}` || len(g) > 1000 {
			strange[fmt.Sprintf("garbage number %d for a configuration", i)] = func(t *pluginv1.Target) { t.ConfigJson = []byte(g) }
		}
	}
	for name, change := range strange {
		_, err := raw.Apply(ctx, &pluginv1.CheckServiceApplyRequest{Generation: 4, Full: true, Targets: []*pluginv1.Target{target(change)}})
		if err == nil {
			c.add("a target with %s is accepted", name)
		}
		if _, err := raw.Probe(ctx, &pluginv1.CheckServiceProbeRequest{Target: target(change)}); err == nil && strings.HasPrefix(name, "no id") {
			c.add("a probe of a target with %s is carried out", name)
		}
	}
	if _, err := raw.Probe(ctx, &pluginv1.CheckServiceProbeRequest{}); err == nil {
		c.add("a probe of no target is carried out")
	}
	wrong = append(wrong, k.lives(ctx)...)
	w := k.watch(ctx)
	defer w.stop()
	w.decided(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.states["strange"]; ok || len(w.states) != 2 {
		c.add("after updates that were refused it has %d targets, not 2", len(w.states))
	}
	if len(w.reports) > 0 && w.reports[0].Generation != 3 {
		c.add("after updates that were refused it is at generation %d, not 3", w.reports[0].Generation)
	}
	return wrong
}

func endsWatch(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := k.apply(ctx, 1); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := k.watch(ctx)
	w.until(func() bool { return len(w.reports) > 0 })
	w.stop()
	select {
	case err := <-w.ended:
		if err == nil {
			c.add("a watch that was ended returns no error")
		}
	case <-time.After(patience):
		c.add("a watch does not end with its context")
	}
	return append(wrong, k.lives(ctx)...)
}

// stops is for plugins of all kinds. Those of check plugins have a watch and probes under way.
func stops(ctx context.Context, k *kit) (wrong []string) {
	c := (*complaints)(&wrong)
	var w *watch
	if k.plugin.Info().Kind == sdk.KindCheck {
		if err := k.apply(ctx, 1); err != nil {
			c.add("applying: %v", err)
		}
		w = k.watch(ctx)
		w.until(func() bool { return len(w.reports) > 0 })
	}
	before := time.Now()
	if err := sdk.NewPluginClient(k.conn).Stop(ctx, patience, false); err != nil {
		c.add("stopping: %v", err)
	}
	if took := time.Since(before); took > patience {
		c.add("stopping takes %s", took.Round(time.Millisecond))
	}
	if w == nil {
		return wrong
	}
	select {
	case err := <-w.ended:
		if err == nil {
			c.add("a watch that the plugin ended returns no error")
		}
	case <-time.After(patience):
		w.stop()
		c.add("a watch goes on after the plugin was stopped")
	}
	return wrong
}
