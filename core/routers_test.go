package core

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A router is a vrrp plugin without a network: each instance is master at once, unless something keeps it from that. What
// it holds is written into its folder, which is to be empty at its end.
type router struct {
	host sdk.Host

	mu       sync.Mutex
	states   map[string]sdk.VRRPInstanceStatus
	watchers map[chan sdk.VRRPReport]bool
}

func newRouter(h sdk.Host) (sdk.VRRP, error) {
	r := &router{host: h, states: map[string]sdk.VRRPInstanceStatus{}, watchers: map[chan sdk.VRRPReport]bool{}}
	return r, os.WriteFile(filepath.Join(h.Keep, "held"), nil, 0o600)
}

func (r *router) Apply(_ context.Context, all []sdk.VRRPInstance) error {
	r.host.Logger.Debug("told its instances", "at", time.Now().Format("05.000000"))
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := map[string]bool{}
	for _, v := range all {
		wanted[v.Name] = true
		s := sdk.VRRPInstanceStatus{Name: v.Name, State: sdk.VRRPMaster, Reason: "nobody else is", Since: time.Now(), Source: netip.MustParseAddr("192.0.2.11")}
		s.Priority = uint8(min(max(int(v.Priority)+v.PriorityChange, 1), 254))
		for _, a := range v.Addresses {
			s.Held = append(s.Held, a.Prefix)
		}
		switch {
		case v.Fault != "":
			s.State, s.Reason, s.Held = sdk.VRRPFault, v.Fault, nil
		case v.Released:
			s.State, s.Reason, s.Held = sdk.VRRPBackup, "released", nil
		}
		was := r.states[v.Name]
		s.BecameMaster = was.BecameMaster
		if was.State == s.State {
			s.Since = was.Since
		} else {
			r.tell(sdk.VRRPReport{Transitions: []sdk.VRRPTransition{{Instance: v.Name, From: was.State, To: s.State, Priority: s.Priority, Reason: s.Reason, Time: s.Since}}})
			if s.State == sdk.VRRPMaster {
				s.BecameMaster++
			}
		}
		r.states[v.Name] = s
	}
	for name := range r.states {
		if !wanted[name] {
			delete(r.states, name)
		}
	}
	return nil
}

func (r *router) tell(report sdk.VRRPReport) {
	for w := range r.watchers {
		w <- report
	}
}

func (r *router) Watch(ctx context.Context, report func(sdk.VRRPReport)) error {
	w := make(chan sdk.VRRPReport, 100)
	snapshot := sdk.VRRPReport{Snapshot: true}
	r.mu.Lock()
	for name, s := range r.states {
		snapshot.Transitions = append(snapshot.Transitions, sdk.VRRPTransition{Instance: name, To: s.State, Priority: s.Priority, Reason: s.Reason, Time: s.Since})
	}
	r.watchers[w] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, w)
	}()
	for report(snapshot); ; {
		select {
		case next := <-w:
			report(next)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *router) Status(context.Context) (sdk.VRRPStatus, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := sdk.VRRPStatus{Privileges: "none"}
	for _, s := range r.states {
		st.Instances = append(st.Instances, s)
	}
	return st, nil
}

// Command makes "garp" an announcement, and another master be heard, so that there is something to see.
func (r *router) Command(_ context.Context, c sdk.VRRPCommand) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.states[c.Instance]
	if !ok || c.Action != sdk.CommandAnnounce {
		return fmt.Errorf("%s of %s: there is no such thing", c.Action, c.Instance)
	}
	s.Announced++
	r.states[c.Instance] = s
	r.tell(sdk.VRRPReport{Notices: []sdk.VRRPNotice{{Instance: c.Instance, Kind: sdk.NoticeRival, Subject: "192.0.2.12", Text: "192.0.2.12 is master, too"}}})
	return nil
}

func (r *router) Stop(_ context.Context, release bool) error {
	if release {
		return os.Remove(filepath.Join(r.host.Keep, "held"))
	}
	return nil
}
