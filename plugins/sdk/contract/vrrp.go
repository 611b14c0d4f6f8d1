package contract

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A vrrpWatch collects reports of a vrrp plugin.
type vrrpWatch struct {
	mu      sync.Mutex
	reports []sdk.VRRPReport
	ended   chan error
	stop    context.CancelFunc
}

func (s *Subject) watchVRRP(ctx context.Context) *vrrpWatch {
	ctx, cancel := context.WithCancel(ctx)
	w := &vrrpWatch{ended: make(chan error, 1), stop: cancel}
	go func() {
		w.ended <- sdk.NewVRRPClient(s.Conn).Watch(ctx, func(r sdk.VRRPReport) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, r)
		})
	}()
	return w
}

// so waits until f is true of the reports, and says whether it is.
func (w *vrrpWatch) so(f func([]sdk.VRRPReport) bool) bool {
	for deadline := time.Now().Add(Patience); ; time.Sleep(10 * time.Millisecond) {
		w.mu.Lock()
		done := f(w.reports)
		w.mu.Unlock()
		if done || time.Now().After(deadline) {
			return done
		}
	}
}

func (w *vrrpWatch) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.reports)
}

// told says whether a state was reported of an instance.
func told(reports []sdk.VRRPReport, name string) bool {
	return slices.ContainsFunc(reports, func(r sdk.VRRPReport) bool {
		return slices.ContainsFunc(r.Transitions, func(t sdk.VRRPTransition) bool { return t.Instance == name && t.To != "" })
	})
}

// applyVRRP tells the plugin its instances and waits until a state of each was reported.
func (s *Subject) applyVRRP(ctx context.Context, c *complaints) *vrrpWatch {
	w := s.watchVRRP(ctx)
	if !w.so(func(rs []sdk.VRRPReport) bool { return len(rs) > 0 }) {
		c.add("a watch does not begin with a snapshot where there is no instance")
	}
	if err := sdk.NewVRRPClient(s.Conn).Apply(ctx, s.Instances); err != nil {
		c.add("applying: %v", err)
	}
	for _, v := range s.Instances {
		if !w.so(func(rs []sdk.VRRPReport) bool { return told(rs, v.Name) }) {
			c.add("no state of instance %s is reported", v.Name)
		}
	}
	return w
}

func watchesInstances(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	w := s.applyVRRP(ctx, c)
	defer w.stop()
	w.mu.Lock()
	for i, r := range w.reports {
		if r.Snapshot != (i == 0) {
			c.add("report %d: snapshot is %t", i, r.Snapshot)
		}
		for _, t := range r.Transitions {
			if t.Reason == "" || t.Time.IsZero() {
				c.add("a transition has no reason or no time: %+v", t)
			}
		}
	}
	w.mu.Unlock()
	second := s.watchVRRP(ctx)
	defer second.stop()
	if !second.so(func(rs []sdk.VRRPReport) bool { return len(rs) > 0 }) {
		c.add("a second watch does not begin with a snapshot")
		return wrong
	}
	second.mu.Lock()
	defer second.mu.Unlock()
	for _, v := range s.Instances {
		if !told(second.reports[:1], v.Name) || !second.reports[0].Snapshot {
			c.add("instance %s is not in a snapshot", v.Name)
		}
	}
	return wrong
}

func appliesInstancesTwice(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	w := s.applyVRRP(ctx, c)
	defer w.stop()
	time.Sleep(2 * Interval) // until all is quiet
	before, err := sdk.NewVRRPClient(s.Conn).Status(ctx)
	if err != nil {
		c.add("asking for the status: %v", err)
		return wrong
	}
	n := w.count()
	if err := sdk.NewVRRPClient(s.Conn).Apply(ctx, s.Instances); err != nil {
		c.add("applying the same again: %v", err)
	}
	time.Sleep(2 * Interval)
	if more := w.count() - n; more > 0 {
		c.add("applying the same again makes %d reports", more)
	}
	after, err := sdk.NewVRRPClient(s.Conn).Status(ctx)
	if err != nil {
		c.add("asking for the status: %v", err)
		return wrong
	}
	was := sinceOf(before)
	for name, since := range sinceOf(after) {
		if !was[name].Equal(since) {
			c.add("applying the same again changes since when instance %s is in its state", name)
		}
	}
	return wrong
}

func sinceOf(s sdk.VRRPStatus) map[string]time.Time {
	since := make(map[string]time.Time)
	for _, i := range s.Instances {
		since[i.Name] = i.Since
	}
	return since
}

func tellsInstances(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	defer s.applyVRRP(ctx, c).stop()
	status, err := sdk.NewVRRPClient(s.Conn).Status(ctx)
	if err != nil {
		c.add("asking for the status: %v", err)
	}
	for _, v := range s.Instances {
		if !slices.ContainsFunc(status.Instances, func(i sdk.VRRPInstanceStatus) bool { return i.Name == v.Name && i.State != "" && !i.Since.IsZero() }) {
			c.add("the status does not say in which state instance %s is, and since when", v.Name)
		}
	}
	if len(status.Instances) > len(s.Instances) {
		c.add("the status has %d instances, and there are %d", len(status.Instances), len(s.Instances))
	}
	if err := sdk.NewVRRPClient(s.Conn).Apply(ctx, nil); err != nil {
		c.add("applying no instances: %v", err)
	}
	if status, err = sdk.NewVRRPClient(s.Conn).Status(ctx); err != nil || len(status.Instances) > 0 {
		c.add("without instances, the status has %d, %v", len(status.Instances), err)
	}
	return append(wrong, s.lives(ctx)...)
}

func refusesCommands(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	defer s.applyVRRP(ctx, c).stop()
	for _, command := range []sdk.VRRPCommand{
		{Instance: "no-such-instance", Action: sdk.CommandAnnounce}, {Instance: "", Action: sdk.CommandAnnounce},
		{Instance: s.Instances[0].Name, Action: "no-such-action"}, {Instance: s.Instances[0].Name},
	} {
		if err := sdk.NewVRRPClient(s.Conn).Command(ctx, command); err == nil {
			c.add("the command %q to instance %q is no error", command.Action, command.Instance)
		}
	}
	return append(wrong, s.lives(ctx)...)
}

func endsVRRPWatch(ctx context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	w := s.applyVRRP(ctx, c)
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
