package load

import (
	"math"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// ipvs decodes the ipvs block: what belongs to the kernel's balancer as a whole.
func (l *loader) ipvs(b schema.Block) {
	body := l.r.Read(b.Body(), ipvsShape)
	syncs, timeouts := body.Of("sync"), body.Of("timeouts")
	for i := 1; i < len(syncs); i++ {
		l.r.Errorf(syncs[i].Range(), "Duplicate block", "The kernel runs one sync daemon for each side: write one sync block.")
	}
	l.onlyOne(timeouts)
	if len(syncs) > 0 {
		l.synced = true
		l.cfg.IPVS.Sync = append(l.cfg.IPVS.Sync, l.sync(syncs[0]))
	}
	if len(timeouts) > 0 {
		t := l.r.Read(timeouts[0].Body(), timeoutsShape)
		to := &l.cfg.IPVS.Timeouts
		for _, a := range []struct {
			name string
			to   *time.Duration
		}{{"tcp", &to.TCP}, {"tcp_fin", &to.TCPFin}, {"udp", &to.UDP}} {
			if d, ok := l.wholeSeconds(t.Attr(a.name), time.Second, longestTimeout); ok {
				*a.to = d
			}
		}
	}
}

func (l *loader) sync(b schema.Block) config.Sync {
	body := l.r.Read(b.Body(), syncShape)
	s := config.Sync{Position: position(b)}
	s.Interface, _ = l.requiredInterface(&body, "interface")
	if a := body.Attr("follow"); a.Written() {
		const want = "a vrrp_instance, as in vrrp_instance.VI_1"
		if ref := l.refer(a, want); ref != nil {
			if v, ok := ref.target.(*config.VRRPInstance); ok {
				s.Follow = v.Name
				s.ID = v.VirtualRouterID // as keepalived has it, where no id is written
			} else {
				l.wrongReference("follow", ref, a.Expr.Range(), want)
			}
		}
	}
	if n, ok := l.r.Int(body.Attr("id"), 0, 255); ok {
		s.ID = uint8(n)
	}
	if a := body.Attr("group"); a.Written() {
		if addr, ok := l.r.Address(a); ok {
			if !addr.IsMulticast() {
				l.r.Errorf(a.Expr.Range(), "Wrong group", "%s is not a multicast address: leave it out for 224.0.0.81.", addr)
			}
			s.Group = addr
		}
	}
	if p, ok := l.r.Port(body.Attr("port")); ok {
		s.Port = p
	}
	if n, ok := l.r.Int(body.Attr("ttl"), 1, math.MaxUint8); ok {
		s.TTL = uint8(n)
	}
	if n, ok := l.r.Int(body.Attr("max_length"), 1, 65507); ok { // the most that a UDP packet holds
		s.MaxLength = uint16(n)
	}
	return s
}

// requiredInterface reads the name of a network interface.
func (l *loader) requiredInterface(body *schema.Content, name string) (string, bool) {
	a := body.Attr(name)
	if !a.Written() {
		l.r.Diags = append(l.r.Diags, schema.Missing(name, body.Missing()))
		return "", false
	}
	return l.interfaceName(a)
}

func (l *loader) interfaceName(a schema.Attr) (string, bool) {
	s, ok := l.r.String(a)
	return s, ok && l.checkInterface(s, a.Expr.Range())
}

// checkInterface reports what can't be the name of an interface (net/core/dev.c, dev_valid_name).
func (l *loader) checkInterface(s string, at hcl.Range) bool {
	if s == "" || len(s) > 15 || s == "." || s == ".." || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r == ':' || r == 0x7f }) {
		l.r.Errorf(at, "Wrong interface name", "The name of an interface has 1 to 15 characters, without spaces, slashes and colons, as in \"eth0\".")
		return false
	}
	return true
}
