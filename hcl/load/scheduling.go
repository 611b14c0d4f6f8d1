package load

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

const defaultScheduler = "wlc" // as ipvsadm's and keepalived's

// schedulers are those of Linux 6 (net/netfilter/ipvs/Kconfig), with the flags that are each one's own. flag-1 to flag-3 are
// the kernel's numbers of them, and of any scheduler's that is not known here.
var schedulers = map[string][]string{
	"rr": nil, "wrr": nil, "lc": nil, "wlc": nil, "fo": nil, "ovf": nil, "lblc": nil, "lblcr": nil, "dh": nil,
	"sh":  {"sh-fallback", "sh-port"},
	"mh":  {"mh-fallback", "mh-port"},
	"sed": nil, "nq": nil, "twos": nil,
}

var schedulerNames = []string{"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "twos"}

// scheduling decodes the scheduler, its flags and one-packet scheduling.
func (l *loader) scheduling(s *service) {
	a := s.body.Attr("scheduler")
	name, ok := l.r.Word(a, schedulerNames...)
	if ok {
		s.Scheduler = name
	}
	if on, ok := l.r.Bool(s.body.Attr("one_packet")); ok {
		s.OnePacket = on
	}
	if a.Written() && !ok {
		return
	}
	flags := s.body.Attr("flags")
	elements, _ := l.r.List(flags)
	own := schedulers[s.Scheduler]
	for _, e := range elements {
		if e.Value.Type() != cty.String {
			l.r.Errorf(e.Range, "Wrong type", "flags is a list of strings.")
			continue
		}
		f := e.Value.AsString()
		switch {
		case slices.Contains(s.Flags, f):
			l.r.Errorf(e.Range, "Duplicate flag", "%q is there already.", f)
		case slices.Contains(own, f), f == "flag-1", f == "flag-2", f == "flag-3":
			s.Flags = append(s.Flags, f)
		case len(own) == 0:
			l.r.Errorf(e.Range, "Unknown flag", "The scheduler %s has no flags; sh and mh have some.", s.Scheduler)
		default:
			l.r.Errorf(e.Range, "Unknown flag", "The scheduler %s has the flags %s.", s.Scheduler, listed(own))
		}
	}
}

// fallback adds the fallback flag of a hashing scheduler where a server may get weight 0, also by a check that drains it: without it, the clients that the
// hash sends to that server get no answer at all (net/netfilter/ipvs/ip_vs_sh.c, ip_vs_mh.c).
func (s *service) fallback() {
	zero := s.OnFailure == config.Quiesce || slices.ContainsFunc(s.RealServers, func(r *config.RealServer) bool {
		return r.Weight == 0 || slices.ContainsFunc(r.Checks, func(c *config.Check) bool { return c.Weighs })
	})
	own := schedulers[s.Scheduler]
	if zero && len(own) > 0 && !slices.Contains(s.Flags, own[0]) && !slices.Contains(s.Flags, "flag-1") {
		s.Flags = append(s.Flags, own[0])
	}
}

// longestTimeout is the longest that ipvsadm takes, in IPVS's own timeouts and for persistence: 31 days.
const longestTimeout = 31 * 24 * time.Hour

// persistence decodes the persistence block.
func (l *loader) persistence(s *service) {
	blocks := s.body.Of("persistence")
	if len(blocks) == 0 {
		return
	}
	l.onlyOne(blocks)
	body := l.r.Read(blocks[0].Body(), persistenceShape)
	p := &config.Persistence{Timeout: 360 * time.Second}
	if d, ok := l.wholeSeconds(body.Attr("timeout"), time.Second, longestTimeout); ok {
		p.Timeout = d
	}
	if w, ok := l.r.Word(body.Attr("engine"), "sip"); ok {
		p.Engine = w
	}
	if a := body.Attr("netmask"); a.Written() && s.known {
		p.Prefix = l.netmask(a, s.Service.IPv6)
	}
	s.Persistence = p
}

// wholeSeconds reads a duration that the kernel or the protocol counts in seconds.
func (l *loader) wholeSeconds(a schema.Attr, first, last time.Duration) (time.Duration, bool) {
	d, ok := l.duration(a, first, last)
	if ok && d%time.Second != 0 {
		l.r.Errorf(a.Expr.Range(), "Fraction of a second", "%s counts whole seconds: write %q or %q.", a.Name,
			schema.FormatDuration(max(first, d.Truncate(time.Second))), schema.FormatDuration(d.Truncate(time.Second)+time.Second))
		return 0, false
	}
	return d, ok
}

// netmask reads a persistence netmask: "255.255.255.0" or a prefix length, of which IPv6 has only the latter. It returns 0
// for every bit of the address, and after an error.
func (l *loader) netmask(a schema.Attr, ipv6 bool) int {
	bits, example := 32, `"255.255.255.0" or "24"`
	if ipv6 {
		bits, example = 128, `"64"`
	}
	v, ok := l.r.Value(a)
	if !ok {
		return 0
	}
	n, good := 0, false
	switch v.Type() {
	case cty.Number:
		n64, exact := v.AsBigFloat().Int64()
		n, good = int(n64), exact == 0
	case cty.String:
		text := v.AsString()
		if i, err := strconv.Atoi(text); err == nil {
			n, good = i, true
		} else if m, err := netip.ParseAddr(text); err == nil && m.Is4() && !ipv6 {
			n, good = maskBits(m)
		}
	}
	if !good || n < 1 || n > bits {
		family := "IPv4"
		if ipv6 {
			family = "IPv6"
		}
		l.r.Errorf(a.Expr.Range(), "Wrong netmask", "For an %s service netmask is written as in %s, from 1 to %d bits.", family, example, bits)
		return 0
	}
	if n == bits {
		return 0
	}
	return n
}

// maskBits returns the length of a netmask whose ones are all in front.
func maskBits(m netip.Addr) (int, bool) {
	b := m.As4()
	mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n := 0
	for mask&(1<<31) != 0 {
		n++
		mask <<= 1
	}
	return n, mask == 0
}
