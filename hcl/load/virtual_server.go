package load

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// A service is a virtual server while it is decoded: what its parts must know of it.
type service struct {
	*config.VirtualServer
	body    schema.Content
	block   schema.Block
	known   bool // the address, mark or match is right, so that what depends on it can be checked
	byMark  bool
	at      hcl.Range // of the address, the mark or the first match
	forward config.Forward
	tunnel  config.Tunnel
	checks  []*config.Check
	weight  uint64        // of all real servers
	climb   time.Duration // slow_start of real servers that have none of their own
	alone   bool          // it depends on its own text alone, and on no other block
}

// decodeVirtualServer decodes a virtual_server block. It returns nil for one whose name is another's.
func (l *loader) decodeVirtualServer(b schema.Block) *service {
	v := target[config.VirtualServer](l, b)
	if v == nil {
		return nil
	}
	l.cfg.VirtualServers = append(l.cfg.VirtualServers, v)
	s := &service{VirtualServer: v, block: b, body: l.r.Read(b.Body(), virtualServerShape), alone: true}
	*v = config.VirtualServer{
		Name: v.Name, Position: v.Position,
		Scheduler: defaultScheduler, Quorum: 1, OnFailure: config.Remove, StartState: config.StartDown,
	}

	l.serviceAddress(s)
	l.scheduling(s)
	l.persistence(s)
	if f, ok := l.forward(s.body.Attr("forward")); ok {
		s.forward = f
	}
	s.tunnel = l.tunnel(&s.body, s.forward)
	if w, ok := l.r.Word(s.body.Attr("on_failure"), string(config.Remove), string(config.Quiesce)); ok {
		v.OnFailure = config.OnFailure(w)
	}
	if w, ok := l.r.Word(s.body.Attr("start_state"), string(config.StartDown), string(config.StartUp)); ok {
		v.StartState = config.StartState(w)
	}
	l.checksFollow(s, s.body.Attr("checks_follow"))
	s.climb, _ = l.slowStart(s, s.body.Attr("slow_start"))
	for i := range s.body.Blocks {
		if b := s.body.Blocks[i]; b.Type == "check" {
			l.serverCheck(s, b, v.Service.Port, &s.checks)
		}
	}
	l.realServers(s)
	l.sorry(s)
	l.quorum(s)
	l.serviceRules(s)
	l.services.add(l, s)
	s.body, s.block, s.checks = schema.Content{}, schema.Block{}, nil // so that the parse tree can go
	return s
}

// checksFollow reads checks_follow, and warns of an instance that has nothing to do with the service's address. Whose
// packets a mark is on is not known here.
func (l *loader) checksFollow(s *service, a schema.Attr) {
	const want = "a vrrp_instance, as in vrrp_instance.VI_1"
	if !a.Written() {
		return
	}
	ref := l.refer(a, want)
	if ref == nil {
		return
	}
	v, ok := ref.target.(*config.VRRPInstance)
	if !ok {
		l.wrongReference(a.Name, ref, a.Expr.Range(), want)
		return
	}
	s.ChecksFollow = v.Name
	addresses := []netip.Addr{s.Service.Address}
	for _, m := range s.Service.Match {
		addresses = append(addresses, m.Address)
	}
	for _, addr := range addresses {
		if addr.IsValid() && !v.Holds(addr) {
			l.r.Warnf(a.Expr.Range(), "Checks follow another address", "%s does not hold %s, the address of this virtual server: its checks would stop while clients may still come here.", ref.text, addr)
			return
		}
	}
}

// serverCheck decodes a check of a virtual server or of a real server, whose port is the one given.
func (l *loader) serverCheck(s *service, b schema.Block, port uint16, into *[]*config.Check) {
	c := &config.Check{Type: b.Labels[0], Position: position(b)}
	body, ok := l.check(b, c)
	if !ok {
		return
	}
	*into = append(*into, c)
	l.via(s, &body, c)
	foreign := l.types.plugins[typeName{"check", c.Type}] != nil
	s.alone = s.alone && !foreign
	if port == 0 && s.known && !body.Attr("port").Written() && !slices.Contains(portless, c.Type) && !foreign {
		l.r.Errorf(b.Range(), "Check without a port", "The real servers of this virtual server have every port, and the check does not know which to ask at: add port = 443 to the check.")
	}
}

// forward reads a forwarding method. The words of others are not taken for it, but they are understood.
func (l *loader) forward(a schema.Attr) (config.Forward, bool) {
	s, ok := l.r.String(a)
	if !ok {
		return "", false
	}
	switch f := config.Forward(s); f {
	case config.NAT, config.DR, config.TUN, config.FullNAT:
		return f, true
	}
	words := []string{"nat", "dr", "tun", "fullnat"}
	meant := map[string]string{"masq": "nat", "masquerading": "nat", "gate": "dr", "gatewaying": "dr", "direct": "dr", "route": "dr", "ipip": "tun", "tunnel": "tun"}[s]
	if meant == "" {
		meant = schema.Nearest(s, words)
	}
	if meant != "" {
		l.r.Errorf(a.Expr.Range(), "Unknown forwarding method", "Write %q. forward is one of %s.", meant, listed(words))
		return "", false
	}
	l.r.Errorf(a.Expr.Range(), "Unknown forwarding method", "forward is one of %s.", listed(words))
	return "", false
}

// tunnel decodes the tunnel block of a body, which belongs to forwarding by tunnel.
func (l *loader) tunnel(body *schema.Content, forward config.Forward) config.Tunnel {
	blocks := body.Of("tunnel")
	if len(blocks) == 0 {
		return config.Tunnel{}
	}
	l.onlyOne(blocks)
	b := blocks[0]
	if forward != "" && forward != config.TUN {
		l.r.Errorf(b.Range(), "Tunnel without forwarding by tunnel", "A tunnel block says how forward = \"tun\" encapsulates, and forward is %q here: leave the block out, or write forward = \"tun\".", forward)
	}
	var t config.Tunnel
	c := l.r.Read(b.Body(), tunnelShape)
	typed := c.Attr("type")
	if w, ok := l.r.Word(typed, "ipip", "gue", "gre"); ok {
		t.Type = w
	} else if typed.Written() {
		return t
	}
	port := c.Attr("port")
	if p, ok := l.r.Port(port); ok {
		t.Port = p
		if t.Type != "gue" {
			l.r.Errorf(port.NameRange(), "Port without gue", "Only a gue tunnel has a port: leave it out, or write type = \"gue\".")
		}
	} else if t.Type == "gue" && !port.Written() {
		l.r.Errorf(b.Range(), "Missing port", "A gue tunnel goes to a UDP port of the real server: add port = 6080.")
	}
	sum := c.Attr("checksum")
	if w, ok := l.r.Word(sum, "csum", "remcsum"); ok {
		t.Checksum = w
		switch {
		case t.Type == "" || t.Type == "ipip":
			l.r.Errorf(sum.NameRange(), "Checksum of an IP in IP tunnel", "Only gue and gre tunnels have checksums: leave it out, or write type = \"gue\".")
		case t.Type == "gre" && w == "remcsum":
			l.r.Errorf(sum.Expr.Range(), "Remote checksum of a gre tunnel", "Remote checksum offload is gue's: write checksum = \"csum\".")
		}
	}
	return t
}

// onlyOne reports all blocks but the first.
func (l *loader) onlyOne(blocks []schema.Block) {
	for i := 1; i < len(blocks); i++ {
		file, at := blocks[0].Start()
		l.r.Errorf(blocks[i].Range(), "Duplicate block", "There is one %s block already, at %s:%d,%d.", blocks[i].Type, file, at.Line, at.Column)
	}
}

// sorry decodes sorry_server and sorry_page, of which there can be one.
func (l *loader) sorry(s *service) {
	servers, pages := s.body.Of("sorry_server"), s.body.Of("sorry_page")
	l.onlyOne(servers)
	l.onlyOne(pages)
	if len(servers) > 0 {
		l.sorryServer(s, servers[0])
	}
	if len(pages) == 0 {
		return
	}
	b := pages[0]
	if len(servers) > 0 {
		l.r.Errorf(b.Range(), "Sorry server and sorry page", "Clients can go to one of them only: leave out sorry_server or sorry_page.")
	}
	body := l.r.Read(b.Body(), sorryPageShape)
	page := &config.SorryPage{Position: position(b), Status: 503}
	if n, ok := l.r.Int(body.Attr("status"), 200, 599); ok {
		page.Status = int(n)
	}
	page.File, _ = l.requiredPath(&body, "file")
	s.SorryPage = page
	if p := s.protocols(); p != "" && p != "tcp" {
		l.r.Errorf(b.Range(), "Sorry page without TCP", "A sorry page is answered by HTTP over TCP, and this virtual server is %s: use a sorry_server.", p)
	}
}

func (l *loader) sorryServer(s *service, b schema.Block) {
	addr, port, ok := l.serverAddress(b)
	body := l.r.Read(b.Body(), sorryServerShape)
	forward, tunnel := l.serverForward(s, b, &body)
	if !ok {
		return
	}
	s.SorryServer = &config.SorryServer{Position: position(b), Address: addr, Port: port, Forward: forward, Tunnel: tunnel}
	if s.known && forward != "" {
		s.SorryServer.Port = l.serverPort(s, b, addr, port, forward)
		l.family(s, b, addr, forward)
	}
	for _, rs := range s.RealServers {
		if rs.Address == addr && rs.Port == s.SorryServer.Port {
			l.r.Errorf(b.LabelRange(0), "Sorry server among the real servers", "%s is a real server of this virtual server already, and can't stand in for itself.", b.Labels[0])
		}
	}
}

// quorum decodes quorum and hysteresis, which are weights.
func (l *loader) quorum(s *service) {
	quorum, hysteresis := s.body.Attr("quorum"), s.body.Attr("hysteresis")
	good := true
	if n, ok := l.r.Int(quorum, 1, math.MaxInt64); ok {
		s.Quorum = uint64(n)
	} else if quorum.Written() {
		good = false
	}
	if n, ok := l.r.Int(hysteresis, 0, math.MaxInt64); ok {
		s.Hysteresis = uint64(n)
	} else if hysteresis.Written() {
		good = false
	}
	if !good {
		return
	}
	if s.Hysteresis >= s.Quorum {
		l.r.Errorf(hysteresis.Expr.Range(), "Hysteresis not below the quorum", "With quorum %d and hysteresis %d the quorum could never be lost: write a hysteresis of at most %d, or a larger quorum.",
			s.Quorum, s.Hysteresis, s.Quorum-1)
		return
	}
	// The default quorum of 1 means any server at all, and a pool may well be empty or drained.
	at := quorum
	if !at.Written() {
		at = hysteresis
	}
	need := s.Quorum + s.Hysteresis
	if at.Written() && need > s.weight {
		l.r.Errorf(at.Expr.Range(), "Quorum out of reach", "All real servers together have the weight %d, and it takes %d to gain the quorum (quorum %d + hysteresis %d): write a smaller quorum. It is a sum of weights, not a number of servers.", s.weight, need, s.Quorum, s.Hysteresis)
	}
}

// serviceRules checks what several parts of a virtual server must agree on.
func (l *loader) serviceRules(s *service) {
	if !s.known {
		return
	}
	persistence := s.Persistence != nil || len(s.body.Of("persistence")) > 0
	if !s.byMark && s.Service.Port == 0 && !persistence {
		l.r.Errorf(s.at, "Service without a port", "A service of every port needs persistence, so that a client's connections stay together: write address = %q, or add a persistence block.", s.Service.Address.String()+":80")
	}
	if s.Persistence != nil && s.Persistence.Engine == "sip" {
		if p := s.protocols(); p != "" && p != "udp" {
			l.r.Errorf(s.at, "SIP persistence without UDP", "The sip engine reads Call-IDs in UDP packets only, and this virtual server is %s.", p)
		}
	}
	if s.OnePacket {
		if p := s.protocols(); p != "" && p != "udp" {
			l.r.Errorf(s.body.Attr("one_packet").NameRange(), "One-packet scheduling without UDP", "one_packet sends every packet to a server of its own, which only UDP survives, and this virtual server is %s: leave it out.", p)
		}
	}
}

// protocols is the protocol of the service or of all its matches; "" where nobody knows, and the first that is not udp
// where they differ.
func (s *service) protocols() string {
	if len(s.Service.Match) == 0 {
		return s.Service.Protocol
	}
	p := s.Service.Match[0].Protocol
	for _, m := range s.Service.Match {
		if m.Protocol != "udp" {
			p = m.Protocol
		}
	}
	return p
}
