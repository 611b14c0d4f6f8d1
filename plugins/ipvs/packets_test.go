package ipvs

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A journal notes in what order things happen to a kernel and its packet rules.
type journal struct {
	*kernel.Memory
	lines []string
	rules nft.Rules
	fail  error
}

func newJournal() *journal {
	j := &journal{Memory: kernel.NewMemory()}
	j.After = func(o kernel.Op) { j.lines = append(j.lines, o.String()) }
	return j
}

func (j *journal) Apply(r nft.Rules) (bool, error) {
	if j.fail != nil {
		return false, j.fail
	}
	for _, m := range r.Marks {
		j.lines = append(j.lines, m.String())
	}
	for _, m := range r.Masquerade {
		j.lines = append(j.lines, m.String())
	}
	if r.Empty() {
		j.lines = append(j.lines, "no rules")
	}
	changed := !r.Equal(j.rules)
	j.rules = r
	return changed, nil
}

func (j *journal) sysctl(name, value string) (bool, error) {
	j.lines = append(j.lines, name+" = "+value)
	return true, nil
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, j.lines); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	j.lines = nil
}

func (j *journal) balancer(t *testing.T) *Balancer {
	b := New(Options{Kernel: leftOpen{j}, Packets: j, Sysctl: j.sysctl})
	t.Cleanup(func() { b.Stop(t.Context(), false) })
	return b
}

func shop(ports ...sdk.PortRange) sdk.Service {
	return sdk.Service{Key: sdk.ServiceKey{Mark: 99}, Scheduler: "rr",
		Match:        []sdk.Match{{Address: addr("192.0.2.9"), Protocol: sdk.TCP, Ports: ports}},
		Persistence:  sdk.Persistence{Timeout: time.Minute},
		Destinations: []sdk.Destination{{Address: addr("10.0.0.1"), Forward: sdk.NAT, Weight: 1}}}
}

func TestRulesForPacketsComeBeforeTheirServiceAndGoAfterIt(t *testing.T) {
	j := newJournal()
	b := j.balancer(t)
	apply(t, b, full(1, tableWith(shop(sdk.PortRange{First: 80, Last: 80}))))
	j.want(t, "mark tcp 192.0.2.9:80 with 99", "add service fwmark 99", "add real server 10.0.0.1:0 of fwmark 99")

	// Rules that come and others that go: at no time are there fewer than before and after.
	if r := apply(t, b, full(2, tableWith(shop(sdk.PortRange{First: 8000, Last: 8099})))); r.Writes != 2 {
		t.Errorf("%d writes, want 2", r.Writes)
	}
	j.want(t, "mark tcp 192.0.2.9:80 with 99", "mark tcp 192.0.2.9:8000-8099 with 99", "mark tcp 192.0.2.9:8000-8099 with 99")

	apply(t, b, sdk.TableUpdate{Generation: 3, Base: 2, Changed: []sdk.DestinationUpdate{{Service: shop().Key, Destination: sdk.Destination{Address: addr("10.0.0.1"), Forward: sdk.NAT}}}})
	j.want(t, "change real server 10.0.0.1:0 of fwmark 99") // and the rules are not even looked at
	apply(t, b, full(4, sdk.Table{}))
	j.want(t, "remove service fwmark 99", "no rules")
}

func TestNoConnectionOfARealServerBehindFullNATIsWithoutItsMasquerade(t *testing.T) {
	j := newJournal()
	b := j.balancer(t)
	d := server(1, 1)
	d.Forward = sdk.FullNAT
	apply(t, b, full(1, tableWith(web(d))))
	j.want(t, conntrackSysctl+" = 1", "masquerade tcp 192.0.2.1:80 to 10.0.0.1:80",
		"add service tcp 192.0.2.1:80", "add real server 10.0.0.1:80 of tcp 192.0.2.1:80")
	apply(t, b, full(2, tableWith(web())))
	j.want(t, "remove real server 10.0.0.1:80 of tcp 192.0.2.1:80", "no rules")
}

func TestFullNATMasqueradesWhatGoesToThatRealServer(t *testing.T) {
	j := newJournal()
	b := j.balancer(t)
	s := web(server(1, 1), server(2, 1))
	s.Destinations[0].Forward, s.Destinations[1].Forward = sdk.FullNAT, sdk.NAT
	marked := shop()
	marked.Destinations[0].Forward = sdk.FullNAT
	marked.Match = nil // the mark is set elsewhere
	apply(t, b, full(1, tableWith(s, marked)))
	key, _ := keyToKernel(webKey())
	_, servers, _ := j.Holds(key)
	for k, d := range servers {
		if d.Forward != kernel.ForwardMasq {
			t.Errorf("%s: forward %s in the kernel, want nat", k, d.Forward)
		}
	}
	for _, want := range []string{conntrackSysctl + " = 1", "masquerade tcp 192.0.2.1:80 to 10.0.0.1:80", "masquerade mark 99 to 10.0.0.1:0"} {
		if !slices.Contains(j.lines, want) {
			t.Errorf("missing: %s in %q", want, j.lines)
		}
	}
	if len(j.rules.Masquerade) != 2 || len(j.rules.Marks) != 0 {
		t.Errorf("rules %+v", j.rules)
	}
	o, err := b.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := []sdk.Forward{o.Services[0].Destinations[0].Forward, o.Services[0].Destinations[1].Forward}; got[0] != sdk.FullNAT || got[1] != sdk.NAT {
		t.Errorf("read forwards %v, want fullnat and nat", got)
	}
}

func TestPacketRulesThatFailAreAFailureAndTriedAgain(t *testing.T) {
	j := newJournal()
	b := j.balancer(t)
	j.fail = errors.New("no nftables")
	r, err := b.Apply(t.Context(), full(1, tableWith(shop())))
	if err != nil || len(r.Failures) != 1 || r.Failures[0].Operation != "mark packets" || r.Failures[0].Error != "no nftables" {
		t.Errorf("got %+v, %v", r, err)
	}
	j.fail = nil
	b.repair()
	if !slices.Contains(j.lines, "mark tcp 192.0.2.9 with 99") {
		t.Errorf("not tried again: %q", j.lines)
	}

	without := New(Options{Kernel: leftOpen{j}})
	defer without.Stop(t.Context(), false)
	if r, err := without.Apply(t.Context(), full(1, tableWith(shop()))); err != nil || len(r.Failures) != 1 {
		t.Errorf("without nftables: %+v, %v, want a failure", r, err)
	}
}

func TestALookForDriftLooksAtThePacketRulesToo(t *testing.T) {
	j := newJournal()
	b := j.balancer(t)
	apply(t, b, full(1, tableWith(shop())))
	j.lines, j.rules = nil, nft.Rules{} // somebody removes the table
	b.repair()
	j.want(t, "mark tcp 192.0.2.9 with 99")
	found, _ := b.reports.take()
	if len(found) != 1 || !slices.Equal(found[0].Drift, []string{"nftables table inet evenkeel: was not as it should be"}) {
		t.Errorf("reports: %+v", found)
	}
}
