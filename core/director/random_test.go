package director

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// This file makes random configurations: small ones, so that everything meets everything, and also such that package load
// would refuse, because the director must survive them.

type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 0))} }

// one says yes once in n times.
func (r source) one(n int) bool { return r.IntN(n) == 0 }

func pick[T any](r source, from ...T) T { return from[r.IntN(len(from))] }

func (r source) config() *config.Config {
	c := new(config.Config)
	c.Director.Brake = r.brake()
	for range r.IntN(3) {
		check := r.check()
		check.Name = pick(r, "a", "b")
		c.Checks = append(c.Checks, check)
	}
	r.vrrp(c)
	for range r.IntN(5) {
		c.VirtualServers = append(c.VirtualServers, r.virtualServer(c))
	}
	if r.one(20) {
		c.VirtualServers = append(c.VirtualServers, nil)
		c.Checks = append(c.Checks, nil)
	}
	r.ipvs(c)
	return c
}

func (r source) brake() config.Brake {
	return config.Brake{
		Action: pick(r, config.BrakeOff, config.BrakeHold, config.BrakeHold, config.BrakeAct), Share: r.IntN(80), Minimum: r.IntN(4),
		Within: time.Duration(r.IntN(5)) * time.Second, Limit: time.Duration(1+r.IntN(5)) * time.Second,
	}
}

func (r source) ipvs(c *config.Config) {
	c.IPVS.Timeouts.TCP = pick(r, 0, 0, 900*time.Second)
	c.IPVS.Sync = nil
	if r.one(5) {
		c.IPVS.Sync = []config.Sync{{Interface: "eth1", ID: 51, Follow: pick(r, "", "VI_1")}}
	}
}

func (r source) virtualServer(c *config.Config) *config.VirtualServer {
	vs := &config.VirtualServer{
		Name:       pick(r, "web", "shop", "mail", "dns"),
		Position:   config.Position{File: "a.hcl", Line: r.IntN(99)},
		Scheduler:  pick(r, "wlc", "rr", "mh"),
		Quorum:     uint64(r.IntN(6)),
		Hysteresis: uint64(r.IntN(3)),
		OnFailure:  pick(r, config.Remove, config.Quiesce),
		StartState: pick(r, config.StartDown, config.StartUp),
	}
	if r.one(4) {
		vs.Service = config.ServiceAddress{Mark: 1 + uint32(r.IntN(3)), IPv6: r.one(2)}
	} else {
		vs.Service = config.ServiceAddress{
			Address:  netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(3))}),
			Port:     80,
			Protocol: pick(r, "tcp", "udp"),
		}
	}
	if r.one(3) {
		vs.ChecksFollow = pick(r, "VI_1", "VI_2", "VI_9")
	}
	if r.one(4) {
		vs.Persistence = &config.Persistence{Timeout: time.Minute}
	}
	if r.one(4) {
		vs.Flags = []string{"sh-port"}
	}
	for range r.IntN(6) {
		vs.RealServers = append(vs.RealServers, r.realServer(c))
	}
	if r.one(50) {
		vs.RealServers = append(vs.RealServers, nil)
	}
	if r.one(2) {
		vs.SorryServer = &config.SorryServer{Address: r.serverAddress(), Port: 80, Forward: pick(r, config.NAT, config.DR)}
		if r.one(2) {
			vs.SorryServer.Address = netip.MustParseAddr("127.0.0.1")
		}
	}
	return vs
}

func (r source) serverAddress() netip.Addr {
	return netip.AddrFrom4([4]byte{10, 1, 0, byte(r.IntN(6))})
}

func (r source) realServer(c *config.Config) *config.RealServer {
	s := &config.RealServer{
		Address:        r.serverAddress(),
		Port:           80,
		Forward:        pick(r, config.NAT, config.DR),
		Weight:         uint32(r.IntN(4)) * pick[uint32](r, 1, 1, 9),
		SlowStart:      pick(r, 0, 0, 2500*time.Millisecond, 7*time.Second),
		MaxConnections: pick[uint32](r, 0, 0, 0, 100),
	}
	s.Name = s.Address.String()
	if r.one(5) {
		s.Name += ":80"
	}
	for range r.IntN(3) {
		s.Checks = append(s.Checks, r.check())
	}
	if len(c.Checks) > 0 && r.one(4) {
		s.Checks = append(s.Checks, pick(r, c.Checks...))
	}
	return s
}

func (r source) check() *config.Check {
	return &config.Check{
		Type:     pick(r, "tcp", "http"),
		Port:     pick[uint16](r, 0, 0, 8080),
		Interval: pick(r, time.Second, 2*time.Second),
		Timeout:  time.Second,
		Fall:     3,
		Rise:     1,
		Config:   json.RawMessage(pick(r, `{}`, `{"path":"/"}`)),
		Weighs:   r.one(2),
		Via:      r.one(6),
	}
}

// mutate returns a configuration that differs from another in a place or two, and shares nothing with it.
func (r source) mutate(old *config.Config) *config.Config {
	c := deepCopy(old)
	c.VirtualServers = slices.DeleteFunc(c.VirtualServers, func(vs *config.VirtualServer) bool { return vs == nil })
	for range 1 + r.IntN(2) {
		if len(c.VirtualServers) == 0 || r.one(8) {
			c.VirtualServers = append(c.VirtualServers, r.virtualServer(c))
			continue
		}
		i := r.IntN(len(c.VirtualServers))
		vs := c.VirtualServers[i]
		other := r.virtualServer(c)
		switch r.IntN(15) {
		case 14:
			c.Director.Brake = r.brake()
		case 0:
			c.VirtualServers = slices.Delete(c.VirtualServers, i, i+1)
		case 1:
			vs.Name = other.Name
		case 2:
			vs.Service = other.Service
		case 3:
			vs.Quorum, vs.Hysteresis = other.Quorum, other.Hysteresis
		case 4:
			vs.OnFailure, vs.StartState = other.OnFailure, other.StartState
		case 5:
			vs.SorryServer = other.SorryServer
		case 6:
			vs.RealServers = append(vs.RealServers, r.realServer(c))
		case 7:
			vs.Scheduler = other.Scheduler
		case 8:
			r.ipvs(c)
		case 9:
			r.vrrp(c)
		case 10:
			vs.ChecksFollow = other.ChecksFollow
		default:
			if len(vs.RealServers) == 0 {
				break
			}
			j := r.IntN(len(vs.RealServers))
			s := vs.RealServers[j]
			switch {
			case s == nil || r.one(4):
				vs.RealServers = slices.Delete(vs.RealServers, j, j+1)
			case r.one(2):
				s.Weight = uint32(r.IntN(4))
			case r.one(3):
				s.SlowStart = r.realServer(c).SlowStart
			default:
				s.Checks = r.realServer(c).Checks
			}
		}
	}
	return c
}

// deepCopy goes through JSON: a Config is data, and named checks that were shared are recognised by their names.
func deepCopy(c *config.Config) *config.Config {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	n := new(config.Config)
	if err := json.Unmarshal(b, n); err != nil {
		panic(err)
	}
	return n
}

// factor returns none half of the time.
func (r source) factor() sdk.Factor {
	if r.one(2) {
		return 0
	}
	return sdk.FactorOf(pick(r, 0, 1, 33, 50, 100, 150, sdk.MaxPercent))
}

// verdicts returns a batch with at most one verdict for each of a director's targets, and one that nobody asked for.
func (r source) verdicts(d *Director, now time.Time) []sdk.Verdict {
	batch := []sdk.Verdict{{TargetID: "nobody/knows/this", State: sdk.StateDown}}
	share := 1 + r.IntN(4)
	bias := r.IntN(4)
	for _, typ := range d.CheckTypes() {
		for _, t := range d.Targets(typ).Targets {
			if !r.one(share) {
				continue
			}
			v := sdk.Verdict{TargetID: t.ID, State: sdk.StateUp, Since: now, Factor: r.factor()}
			switch n := r.IntN(10); {
			case n < 2*bias:
				v.State, v.Reason = sdk.StateDown, fmt.Sprintf("HTTP %d", 500+r.IntN(5))
			case n == 9:
				v.State = sdk.State(r.IntN(5))
			}
			batch = append(batch, v)
		}
	}
	return batch
}

// vrrp makes random instances and groups, that track the checks with a name.
func (r source) vrrp(c *config.Config) {
	c.VRRPInstances, c.SyncGroups = nil, nil
	tracks := func() []config.Track {
		var ts []config.Track
		for range r.IntN(3) {
			t := config.Track{Interface: pick(r, "eth1", "eth2")}
			if len(c.Checks) > 0 && c.Checks[0] != nil && r.one(2) {
				t = config.Track{Check: c.Checks[0]}
			}
			if r.one(2) {
				w := r.IntN(507) - 253
				t.Weight = &w
			}
			ts = append(ts, t)
		}
		return ts
	}
	for range r.IntN(4) {
		c.VRRPInstances = append(c.VRRPInstances, &config.VRRPInstance{
			Name: pick(r, "VI_1", "VI_2", "VI_3"), Interface: pick(r, "eth0", "eth1"), VirtualRouterID: uint8(r.IntN(3)),
			Priority: pick[uint8](r, 50, 100, 255), AdvertInterval: time.Second, Track: tracks(),
			Addresses: []config.VirtualAddress{{Prefix: netip.PrefixFrom(r.serverAddress(), 24)}},
		})
	}
	if r.one(2) {
		c.SyncGroups = []*config.SyncGroup{{Name: pick(r, "edge", "core"), Members: c.VRRPInstances, Track: tracks()}}
	}
	if r.one(20) {
		c.VRRPInstances = append(c.VRRPInstances, nil)
		c.SyncGroups = append(c.SyncGroups, nil)
	}
}

// report returns what a vrrp plugin might say, also of instances that nobody configured.
func (r source) report(now time.Time) sdk.VRRPReport {
	report := sdk.VRRPReport{Snapshot: r.one(4)}
	for range r.IntN(4) {
		report.Transitions = append(report.Transitions, sdk.VRRPTransition{
			Instance: pick(r, "VI_1", "VI_2", "VI_3", "VI_9"), To: pick(r, sdk.VRRPBackup, sdk.VRRPMaster, sdk.VRRPMaster, sdk.VRRPFault, ""),
			Priority: uint8(r.IntN(256)), Reason: "it is so", Time: now,
		})
	}
	for range r.IntN(3) {
		report.Notices = append(report.Notices, sdk.VRRPNotice{
			Instance: pick(r, "VI_1", "VI_2", "VI_9"), Kind: pick(r, sdk.NoticeRival, sdk.NoticeConflict), Subject: pick(r, "10.0.0.2", "10.0.0.3"),
			Ended: r.one(2), Text: pick(r, "it is there", "it is there again"),
		})
	}
	return report
}
