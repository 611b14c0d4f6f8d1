package director

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A plan is a configuration in the director's terms, before any state is put into it.
type plan struct {
	timeouts       sdk.Timeouts
	syncBlocks     []config.Sync
	virtualServers []*virtualServer
	targets        map[string]*target
	byType         map[string][]*target
	inOrder        []*target // those of virtual servers that were added
	checks         []*config.Check
	named          []*target
	instances      []*instance
	byInstance     map[string]*instance
	groups         []*syncGroup
	vrrpInstances  []*config.VRRPInstance
	syncGroups     []*config.SyncGroup

	sharedChecks map[checkName]*target
	marks        *marks
}

// A checkName is how a check with a name of its own is referred to.
type checkName struct{ typ, name string }

func newPlan(targets int) *plan {
	return &plan{
		targets:      make(map[string]*target, targets),
		byType:       make(map[string][]*target),
		sharedChecks: make(map[checkName]*target),
	}
}

// buildPlan translates a configuration. Package load refuses duplicates; should there be any, the first counts: of two
// virtual servers with the same service address, and of two real servers with the same address and port.
//
// A virtual server whose configuration is the very value that one of former has goes on as it is, state and all: after a
// reload in which little has changed, most are.
func buildPlan(cfg *config.Config, former []*virtualServer) *plan {
	if cfg == nil {
		cfg = new(config.Config)
	}
	targets := 0
	for _, c := range cfg.VirtualServers {
		if c != nil && len(c.RealServers) > 0 && c.RealServers[0] != nil {
			targets += len(c.RealServers) * len(c.RealServers[0].Checks) // about
		}
	}
	p := newPlan(targets)
	p.marks = newMarks(cfg, former)
	p.timeouts, p.syncBlocks, p.checks = sdk.Timeouts(cfg.IPVS.Timeouts), cfg.IPVS.Sync, cfg.Checks
	p.vrrpInstances, p.syncGroups = cfg.VRRPInstances, cfg.SyncGroups
	same := make(map[*config.VirtualServer]*virtualServer, len(former))
	for _, vs := range former {
		same[vs.cfg] = vs
	}
	seen := make(map[sdk.ServiceKey]bool, len(cfg.VirtualServers))
	for _, c := range cfg.VirtualServers {
		if c == nil || seen[serviceKey(c.Service)] {
			continue
		}
		seen[serviceKey(c.Service)] = true
		vs := same[c]
		if vs != nil && p.goOn(vs) {
			continue
		}
		if vs != nil {
			p.marks.free(vs)
		}
		p.addVirtualServer(c)
	}
	for _, c := range cfg.Checks {
		if c == nil {
			continue
		}
		if t := p.namedTarget(c); !slices.Contains(p.named, t) {
			p.named = append(p.named, t)
		}
	}
	p.addInstances(cfg)
	return p
}

func (p *plan) addVirtualServer(c *config.VirtualServer) {
	vs := &virtualServer{
		cfg:     c,
		service: service(c),
		servers: make([]*realServer, 0, len(c.RealServers)),
		byAddr:  make(map[netip.AddrPort]*realServer, len(c.RealServers)),
	}
	for _, rc := range c.RealServers {
		if rc == nil {
			continue
		}
		addr := netip.AddrPortFrom(rc.Address, rc.Port)
		if vs.byAddr[addr] != nil {
			continue
		}
		s := &realServer{cfg: rc, vs: vs, subject: c.Name + "/" + rc.Name, order: len(vs.servers)}
		for _, cc := range rc.Checks {
			if cc != nil {
				p.watch(s, cc)
				vs.checked = true
			}
		}
		vs.byAddr[addr] = s
		vs.servers = append(vs.servers, s)
	}
	slots := len(vs.servers)
	if c.SorryServer != nil {
		vs.sorry = &sorryServer{dest: sorryDestination(c.SorryServer)}
		vs.sorry.shared = vs.byAddr[netip.AddrPortFrom(c.SorryServer.Address, c.SorryServer.Port)]
		if vs.sorry.shared == nil {
			slots++
		}
	}
	vs.slots = make([]slot, slots)
	vs.order = len(p.virtualServers)
	p.virtualServers = append(p.virtualServers, vs)
}

// goOn takes a virtual server over from the plan that was followed. It says false, having done nothing, when it shares a
// target with others, which may have changed, or when one of its targets would have another ID in this plan.
func (p *plan) goOn(vs *virtualServer) bool {
	var done []*target
	for _, s := range vs.servers {
		for _, t := range s.targets {
			if t.check.Name != "" || t.spec.ID != p.freeID(s.subject+"/"+t.check.Type) {
				for _, t := range done {
					delete(p.targets, t.spec.ID)
				}
				return false
			}
			p.targets[t.spec.ID] = t
			done = append(done, t)
		}
	}
	for i, t := range done {
		t.order = len(p.targets) - len(done) + i
		p.byType[t.check.Type] = append(p.byType[t.check.Type], t)
	}
	vs.order = len(p.virtualServers)
	p.virtualServers = append(p.virtualServers, vs)
	return true
}

// watch makes a real server depend on a check: on the shared target of one with a name, or on a target of its own.
func (p *plan) watch(s *realServer, c *config.Check) {
	var t *target
	if c.Name != "" {
		t = p.namedTarget(c)
	} else {
		t = p.addTarget(c, s.subject+"/"+c.Type)
		p.inOrder = append(p.inOrder, t)
		if !t.spec.Address.IsValid() {
			t.spec.Address = s.cfg.Address
		}
		if t.spec.Port == 0 {
			t.spec.Port = s.cfg.Port
		}
		if c.Via {
			p.goVia(s, t)
		}
	}
	if slices.Contains(s.targets, t) {
		return
	}
	s.targets = append(s.targets, t)
	t.servers = append(t.servers, s)
}

// namedTarget returns the one target of a check with a name of its own.
func (p *plan) namedTarget(c *config.Check) *target {
	name := checkName{c.Type, c.Name}
	t := p.sharedChecks[name]
	if t == nil {
		t = p.addTarget(c, "check."+c.Type+"."+c.Name)
		p.sharedChecks[name] = t
	}
	return t
}

// addTarget makes a target. Its ID is the one asked for, with "#2", "#3" … if there is one of that ID.
func (p *plan) addTarget(c *config.Check, id string) *target {
	unique := p.freeID(id)
	t := &target{
		check: c,
		order: len(p.targets),
		spec: sdk.Target{
			ID:      unique,
			Address: c.Address,
			Port:    c.Port,
			Egress:  sdk.Egress{Source: c.Egress.Source, Interface: c.Egress.Interface, Mark: c.Egress.Mark},
			Schedule: sdk.Schedule{
				Interval:      c.Interval,
				Timeout:       c.Timeout,
				RetryInterval: c.RetryInterval,
				Fall:          c.Fall,
				Rise:          c.Rise,
				Spread:        c.Spread,
			},
			Config: c.Config,
		},
	}
	p.targets[unique] = t
	p.byType[c.Type] = append(p.byType[c.Type], t)
	return t
}

// freeID is the ID asked for, or with "#2", "#3" … if there is a target of that ID.
func (p *plan) freeID(id string) string {
	free := id
	for n := 2; p.targets[free] != nil; n++ {
		free = id + "#" + strconv.Itoa(n)
	}
	return free
}

// recall puts the verdicts of the journal into the plan; those that keep an instance from being master only if it may be
// that already.
func (p *plan) recall(verdicts map[string]sdk.Verdict, adopts bool) {
	for id, v := range verdicts {
		if t := p.targets[id]; t != nil && known(v.State) && (adopts || !t.gates) {
			t.hold(v)
		}
	}
}
