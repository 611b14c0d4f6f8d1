package sdktest

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// A still is a vrrp plugin whose instances are always in FAULT, and that breaks one rule.
type still struct {
	breaks string
	since  map[string]time.Time
	asked  chan chan sdk.VRRPReport
	apply  chan []sdk.VRRPInstance
	status chan chan sdk.VRRPStatus
	done   chan struct{}
}

func stillPlugin(breaks string) sdk.Plugin {
	return sdk.NewVRRP(sdk.Info{Name: "vrrp", Version: "1.0.0", Schema: sdk.Schema{Doc: "stands still"}}, func(sdk.Host) (sdk.VRRP, error) {
		s := &still{
			breaks: breaks, since: map[string]time.Time{}, asked: make(chan chan sdk.VRRPReport),
			apply: make(chan []sdk.VRRPInstance), status: make(chan chan sdk.VRRPStatus), done: make(chan struct{}),
		}
		go s.run()
		return s, nil
	})
}

// run owns everything.
func (s *still) run() {
	var watchers []chan sdk.VRRPReport
	moved := func(name string) sdk.VRRPTransition {
		t := sdk.VRRPTransition{Instance: name, To: sdk.VRRPFault, Reason: "it stands still", Time: s.since[name]}
		if s.breaks == "reason" {
			t.Reason = ""
		}
		return t
	}
	for {
		select {
		case <-s.done:
			return
		case w := <-s.asked:
			r := sdk.VRRPReport{Snapshot: s.breaks != "snapshot"}
			for name := range s.since {
				r.Transitions = append(r.Transitions, moved(name))
			}
			if s.breaks == "empty snapshot" {
				r.Transitions = nil
			}
			w <- r
			watchers = append(watchers, w)
		case all := <-s.apply:
			r := sdk.VRRPReport{}
			for _, v := range all {
				if _, there := s.since[v.Name]; !there || s.breaks == "twice" {
					s.since[v.Name] = time.Now()
					r.Transitions = append(r.Transitions, moved(v.Name))
				}
			}
			for name := range s.since {
				if !slices.ContainsFunc(all, func(v sdk.VRRPInstance) bool { return v.Name == name }) && s.breaks != "gone" {
					delete(s.since, name)
				}
			}
			if len(r.Transitions) > 0 && s.breaks != "silent" {
				for _, w := range watchers {
					w <- r
				}
			}
		case answer := <-s.status:
			var st sdk.VRRPStatus
			for name, since := range s.since {
				i := sdk.VRRPInstanceStatus{Name: name, State: sdk.VRRPFault, Since: since}
				if s.breaks == "status" {
					i.State = ""
				}
				st.Instances = append(st.Instances, i)
			}
			answer <- st
		}
	}
}

func (s *still) Apply(_ context.Context, all []sdk.VRRPInstance) error {
	s.apply <- all
	return nil
}

func (s *still) Watch(ctx context.Context, report func(sdk.VRRPReport)) error {
	w := make(chan sdk.VRRPReport, 100)
	s.asked <- w
	for {
		select {
		case r := <-w:
			report(r)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *still) Status(context.Context) (sdk.VRRPStatus, error) {
	answer := make(chan sdk.VRRPStatus)
	s.status <- answer
	return <-answer, nil
}

func (s *still) Command(_ context.Context, c sdk.VRRPCommand) error {
	if s.breaks == "command" && c.Action == sdk.CommandAnnounce {
		return nil
	}
	return errors.New("nothing moves")
}

func (s *still) Stop(context.Context, bool) error {
	close(s.done)
	return nil
}

const stillManual = "# vrrp \"vrrp\"\n\nStands still.\n\n## Attributes\n\nNone.\n\n## Metrics\n\nNone.\n\n## Examples\n\nNone.\n\n## Limits\n\nNone.\n"

func stillCase(t *testing.T) Case {
	instance := func(name, address string) sdk.VRRPInstance {
		return sdk.VRRPInstance{
			Name: name, Interface: "sdktest0", VirtualRouterID: 51, Version: 3, Priority: 100, AdvertInterval: time.Second,
			Addresses: []sdk.VirtualAddress{{Prefix: netip.MustParsePrefix(address)}},
		}
	}
	return Case{Folder: folder(t, "vrrp", stillManual), Instances: []sdk.VRRPInstance{instance("VI_1", "192.0.2.1/24"), instance("VI_2", "2001:db8::1/64")}}
}

func TestAGoodVRRPPluginConforms(t *testing.T) {
	Conform(t, stillPlugin(""), stillCase(t))
}

func TestWhatAVRRPPluginDoesWrongIsSaid(t *testing.T) {
	for breaks, want := range map[string]string{
		"snapshot":       "snapshot is false",
		"empty snapshot": "instance VI_1 is not in a snapshot",
		"reason":         "no reason or no time",
		"twice":          "applying the same again makes 1 reports",
		"status":         "the status does not say in which state instance VI_1 is",
		"gone":           "without instances, the status has 2",
		"command":        `the command "garp" to instance "no-such-instance" is no error`,
	} {
		t.Run(breaks, func(t *testing.T) {
			var all []string
			for _, r := range contract.Rules() {
				if r.Kind == sdk.KindVRRP {
					all = append(all, ask(t, stillPlugin(breaks), stillCase(t), r)...)
				}
			}
			if !strings.Contains(strings.Join(all, "\n"), want) {
				t.Errorf("%q is not among the complaints:\n%s", want, strings.Join(all, "\n"))
			}
		})
	}
}
