package contract

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// Reason says what is wrong with a reason why a target is down: it is for an operator to read.
func Reason(reason string) (wrong []string) {
	reasonable((*complaints)(&wrong), reason)
	return wrong
}

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
func (s *Subject) apply(ctx context.Context, generation uint64) error {
	return sdk.NewCheckerClient(s.Conn).Apply(ctx, sdk.TargetUpdate{
		Generation: generation, Full: true, Targets: []sdk.Target{s.Up, s.Down}})
}

func watches(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := s.apply(ctx, 7); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := s.watch(ctx)
	defer w.stop()
	w.decided(c)
	time.Sleep(2 * Interval)
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
			if v.Factor != 0 && !s.Info.Schema.Weighs {
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

func appliesTwice(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := s.apply(ctx, 1); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := s.watch(ctx)
	defer w.stop()
	w.decided(c)
	w.mu.Lock()
	before := w.verdicts
	w.mu.Unlock()
	for generation := range uint64(5) {
		if err := s.apply(ctx, 2+generation); err != nil {
			c.add("applying again: %v", err)
		}
		time.Sleep(Interval / 2)
	}
	time.Sleep(3 * Interval)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.verdicts - before; n > 0 {
		c.add("applying the same again leads to %d verdicts", n)
	}
	return wrong
}

func removes(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := s.apply(ctx, 1); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := s.watch(ctx)
	defer w.stop()
	w.decided(c)
	err := sdk.NewCheckerClient(s.Conn).Apply(ctx, sdk.TargetUpdate{Generation: 2, Removed: []string{"down"}})
	if err != nil {
		c.add("removing: %v", err)
	}
	w.mu.Lock()
	w.reports = nil
	w.mu.Unlock()
	again := s.watch(ctx)
	defer again.stop()
	again.until(func() bool { return len(again.reports) > 0 })
	time.Sleep(3 * Interval)
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

func probes(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	checker := sdk.NewCheckerClient(s.Conn)
	if err := checker.Probe(ctx, s.Up); err != nil {
		c.add("a probe of the target that is up: %v", err)
	}
	var down *sdk.DownError
	switch err := checker.Probe(ctx, s.Down); {
	case err == nil:
		c.add("a probe of the target that is down finds it up")
	case !errors.As(err, &down):
		c.add("a probe of the target that is down: %v", err)
	default:
		reasonable(c, down.Reason)
	}
	wrong = append(wrong, s.lives(ctx)...)
	return wrong
}

// nobodys are addresses for documentation (RFC 5737, RFC 3849): the machine has not got them.
var nobodys = [...]string{"192.0.2.77", "2001:db8::77"}

func obeysEgress(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if !s.Info.Schema.Egress {
		return nil
	}
	t := s.Up
	t.Initial = sdk.StateDown // so that one that only asks for a weight has to say that it got no answer
	t.Egress.Source = netip.MustParseAddr(nobodys[0])
	if t.Address.Is6() {
		t.Egress.Source = netip.MustParseAddr(nobodys[1])
	}
	var down *sdk.DownError
	switch err := sdk.NewCheckerClient(s.Conn).Probe(ctx, t); {
	case err == nil:
		c.add("a probe from %s, which this machine has not got, finds the target up: the schema declares that the egress of a target is obeyed", t.Egress.Source)
	case !errors.As(err, &down):
		c.add("a probe from %s: %v", t.Egress.Source, err)
	default:
		reasonable(c, down.Reason)
	}
	return wrong
}

// lives complains if the plugin no longer answers.
func (s *Subject) lives(ctx context.Context) []string {
	if _, err := s.Introduce(ctx); err != nil {
		return []string{"the plugin does not answer any more: " + err.Error()}
	}
	return nil
}

func refusesUpdates(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := s.apply(ctx, 3); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	raw := pluginv1.NewCheckServiceClient(s.Conn)
	second := durationpb.New(time.Second)
	target := func(change func(*pluginv1.Target)) *pluginv1.Target {
		t := &pluginv1.Target{Id: "strange", Address: s.Up.Address.String(), Port: uint32(s.Up.Port), ConfigJson: s.Up.Config,
			Schedule: &pluginv1.Schedule{Interval: second, Timeout: second, Fall: 1, Rise: 1}}
		if !s.Up.Address.IsValid() {
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
	wrong = append(wrong, s.lives(ctx)...)
	w := s.watch(ctx)
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

func endsWatch(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	if err := s.apply(ctx, 1); err != nil {
		c.add("applying: %v", err)
		return wrong
	}
	w := s.watch(ctx)
	w.until(func() bool { return len(w.reports) > 0 })
	w.stop()
	select {
	case err := <-w.ended:
		if err == nil {
			c.add("a watch that was ended returns no error")
		}
	case <-time.After(Patience):
		c.add("a watch does not end with its context")
	}
	return append(wrong, s.lives(ctx)...)
}

// stops is for plugins of all kinds. Those of check plugins have a watch and probes under way.
func stops(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	var w *watch
	if s.Info.Kind == sdk.KindCheck && s.Up.ID != "" && s.Down.ID != "" {
		if err := s.apply(ctx, 1); err != nil {
			c.add("applying: %v", err)
		}
		w = s.watch(ctx)
		w.until(func() bool { return len(w.reports) > 0 })
	}
	before := time.Now()
	if err := sdk.NewPluginClient(s.Conn).Stop(ctx, Patience, false); err != nil {
		c.add("stopping: %v", err)
	}
	if took := time.Since(before); took > Patience {
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
	case <-time.After(Patience):
		w.stop()
		c.add("a watch goes on after the plugin was stopped")
	}
	return wrong
}
