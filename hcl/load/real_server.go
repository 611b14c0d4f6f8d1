package load

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// mostWeight is the largest weight of a real server: the kernel keeps a signed 32-bit number.
const mostWeight = math.MaxInt32

// realServers decodes the real_server blocks of a virtual server.
func (l *loader) realServers(s *service) {
	type endpoint struct {
		addr netip.Addr
		port uint16
	}
	seen := map[endpoint]int{} // the block's number
	for i := range s.body.Blocks {
		b := s.body.Blocks[i]
		if b.Type != "real_server" {
			continue
		}
		rs := l.realServer(s, b)
		if rs == nil {
			continue
		}
		s.weight += uint64(rs.Weight)
		s.RealServers = append(s.RealServers, rs)
		at := endpoint{rs.Address, rs.Port}
		if first, ok := seen[at]; ok {
			l.r.Errorf(b.LabelRange(0), "Duplicate real server", "%s is at %s already: write it once, with the weight of both.", b.Labels[0], place(s.body.Blocks[first].Range()))
			continue
		}
		seen[at] = i
	}
	s.fallback()
}

// realServer decodes one real_server block; nil if not even its address is known.
func (l *loader) realServer(s *service, b schema.Block) *config.RealServer {
	addr, port, ok := l.serverAddress(b)
	rs := &config.RealServer{Name: b.Labels[0], Position: position(b), Address: addr, Port: port, Weight: 1}
	body := l.r.Read(b.Body(), realServerShape)
	rs.Forward, rs.Tunnel = l.serverForward(s, b, &body)
	if n, ok := l.r.Int(body.Attr("weight"), 0, mostWeight); ok {
		rs.Weight = uint32(n)
	}
	climb := body.Attr("slow_start")
	if d, ok := l.slowStart(s, climb); ok {
		rs.SlowStart = d
	} else if !climb.Written() {
		rs.SlowStart = s.climb
	}
	l.smallClimb(rs, climb, b)
	l.thresholds(rs, &body)
	if ok && s.known {
		rs.Port = l.serverPort(s, b, addr, port, rs.Forward)
		l.family(s, b, addr, rs.Forward)
	}
	rs.Checks = s.checks[:len(s.checks):len(s.checks)] // the virtual server's, shared unless there are more
	for i := range body.Blocks {
		if c := body.Blocks[i]; c.Type == "check" {
			l.serverCheck(s, c, rs.Port, &rs.Checks)
		}
	}
	if !ok {
		return nil
	}
	l.serverSources(rs, b)
	l.viaServer(s, rs, b)
	return rs
}

// thresholds decodes max_connections and min_connections.
func (l *loader) thresholds(rs *config.RealServer, body *schema.Content) {
	upper, lower := body.Attr("max_connections"), body.Attr("min_connections")
	if n, ok := l.r.Int(upper, 0, math.MaxUint32); ok {
		rs.MaxConnections = uint32(n)
	} else if upper.Written() {
		return
	}
	n, ok := l.r.Int(lower, 0, math.MaxUint32)
	if !ok {
		return
	}
	rs.MinConnections = uint32(n)
	switch {
	case n > 0 && rs.MaxConnections == 0:
		l.r.Errorf(lower.NameRange(), "Lower threshold alone", "min_connections says when a server that was full gets new connections again, so it needs max_connections.")
	case n > 0 && rs.MinConnections >= rs.MaxConnections:
		l.r.Errorf(lower.Expr.Range(), "Thresholds the wrong way round", "min_connections must be below max_connections, which is %d.", rs.MaxConnections)
	}
}

// serverForward reads a server's forwarding method and tunnel, which are the virtual server's where they are not written.
func (l *loader) serverForward(s *service, b schema.Block, body *schema.Content) (config.Forward, config.Tunnel) {
	a := body.Attr("forward")
	forward, ok := l.forward(a)
	if !ok {
		forward = s.forward
		if forward == "" && !a.Written() && !s.body.Attr("forward").Written() {
			l.r.Errorf(b.Range(), "Missing forward", "How packets reach this server is not said: add forward = \"nat\", \"dr\", \"tun\" or \"fullnat\" to the virtual_server, for all of them, or here.")
		}
	}
	tunnel := l.tunnel(body, forward)
	if forward == config.TUN && tunnel == (config.Tunnel{}) {
		tunnel = s.tunnel
	}
	return forward, tunnel
}

// serverPort checks a server's port against the service's and returns the one that is used.
func (l *loader) serverPort(s *service, b schema.Block, addr netip.Addr, port uint16, forward config.Forward) uint16 {
	translates := forward == config.NAT || forward == config.FullNAT
	switch {
	case forward == "": // reported already
	case s.byMark && forward == config.FullNAT:
		l.r.Errorf(b.LabelRange(0), "Fullnat of a mark", "fullnat rewrites the source of packets to one address and port, and a %s has no address of its own: use nat, dr or tun, or an address in place of the %s.", s.markWord(), s.markWord())
	case s.byMark && port != 0 && !translates:
		l.r.Errorf(b.LabelRange(0), "Port of a real server", "A %s leaves the port of a packet as it is, and only nat and fullnat change it: write %q.", s.markWord(), addr)
	case s.byMark:
		return port
	case port == 0:
		return s.Service.Port
	case s.Service.Port == 0:
		l.r.Errorf(b.LabelRange(0), "Port of a real server", "The service has every port, and so have its servers: write %q.", addr)
	case port != s.Service.Port && !translates:
		l.r.Errorf(b.LabelRange(0), "Port of a real server", "With forward = %q packets arrive at the port they were sent to, which is the service's, %d: write %q, or forward = \"nat\".",
			forward, s.Service.Port, netip.AddrPortFrom(addr, s.Service.Port))
	}
	return port
}

func (s *service) markWord() string {
	if len(s.Service.Match) > 0 {
		return "match"
	}
	return "firewall mark"
}

// family checks that a server of another address family than the service's is reached by tunnel, and that connections are
// not synchronised then (net/netfilter/ipvs/ip_vs_ctl.c).
func (l *loader) family(s *service, b schema.Block, addr netip.Addr, forward config.Forward) {
	if addr.Is6() == s.Service.IPv6 || forward == "" {
		return
	}
	s.alone = false
	service, server := "IPv4", "IPv6"
	if s.Service.IPv6 {
		service, server = server, service
	}
	if forward != config.TUN {
		l.r.Errorf(b.LabelRange(0), "Mixed address families", "The service is %s and this server %s: only forward = \"tun\" goes from one to the other, and this is %q.", service, server, forward)
	}
	if l.synced {
		l.r.Errorf(b.LabelRange(0), "Mixed address families with connection synchronisation", "The service is %s and this server %s, which the kernel refuses while connections are synchronised: leave out the sync block of ipvs, or use servers of the service's family.", service, server)
	}
}

// serverAddress reads the address in the label of a real_server or sorry_server block. The port is 0 if none is written.
func (l *loader) serverAddress(b schema.Block) (netip.Addr, uint16, bool) {
	addr, port, err := endpoint(b.Labels[0])
	if err == nil && (addr.IsUnspecified() || addr.IsMulticast()) {
		err = fmt.Errorf("%s is not the address of a server", addr)
	}
	if err != nil {
		l.r.Errorf(b.LabelRange(0), "Wrong address", "%s.", sentence(err))
		return netip.Addr{}, 0, false
	}
	return addr, port, true
}

// endpoint reads "192.0.2.1:80", "[2001:db8::1]:80", or either address without a port. The error says what to write instead.
func endpoint(s string) (netip.Addr, uint16, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		addr, err := schema.ParseAddress(ap.Addr().String())
		return addr, ap.Port(), err
	}
	if a, ok := strings.CutPrefix(s, "["); ok {
		if a, ok = strings.CutSuffix(a, "]"); ok {
			s = a
		}
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		addr, err = schema.ParseAddress(addr.String())
		return addr, 0, err
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 {
		host, port := s[:i], s[i+1:]
		if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			if n, err := strconv.Atoi(port); err == nil {
				return addr, 0, fmt.Errorf("%d is no port: write one from 1 to 65535, as in %q", n, netip.AddrPortFrom(addr, 80))
			}
			return addr, 0, fmt.Errorf("%q is no port: write its number, as in %q", port, netip.AddrPortFrom(addr, 80))
		}
	}
	_, err := schema.ParseAddress(s)
	if strings.Contains(s, "/") {
		return netip.Addr{}, 0, err
	}
	return netip.Addr{}, 0, fmt.Errorf("%w: write one as in \"192.0.2.1:80\" or \"[2001:db8::1]:80\"", err)
}

func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}
