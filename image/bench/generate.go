package bench

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// port is that of every service and every real server.
const port = 8080

// The first virtual server's address, and the first real server's. The others follow, without gaps.
var (
	firstService = netip.MustParseAddr("10.77.64.1")
	firstServer  = netip.MustParseAddr("10.77.128.1")
)

// serverNetwork holds all real servers: 10.77.128.1 to 10.77.255.254.
const serverNetwork = "10.77.128.0/17"

// A Checking says where a configuration has TCP checks.
type Checking int

// The ways to write checks. keepalived knows only the last; both others are the same to it.
const (
	NoChecks         Checking = iota
	PerVirtualServer          // one block, for every real server of the virtual server
	PerRealServer             // a block in each real server
)

// A Size describes a configuration: so many virtual servers with so many real servers each, forwarded by direct routing,
// scheduled by weighted round robin. A real server has weight 1 but the first, which has Weight.
type Size struct {
	VirtualServers, RealServers int
	Checks                      Checking
	Weight                      int
	// Watched is whether the last virtual server's real servers are checked by HTTP every few seconds, and one failure takes
	// one out.
	Watched bool
}

func after(a netip.Addr, n int) netip.Addr {
	b := a.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}

func (s Size) weight(v, r int) int {
	if v == 0 && r == 0 {
		return s.Weight
	}
	return 1
}

func (s Size) server(v, r int) netip.Addr { return after(firstServer, v*s.RealServers+r) }

// total is the number of real servers.
func (s Size) total() int { return s.VirtualServers * s.RealServers }

// Both check blocks say: every 300 s, which is a small part of what the machine can carry, with 5 s for an answer; out after the
// second failure, which is looked for 1 s after the first. A real server is in from the start, as keepalived has it by default.
// Five seconds, because servers that are taken out by mistake while a daemon is busy are not what is measured here.
const (
	evenkeelCheck = `%scheck "tcp" {
%[1]s  interval       = "300s"
%[1]s  timeout        = "5s"
%[1]s  fall           = 2
%[1]s  retry_interval = "1s"
%[1]s}
`
	keepalivedCheck = `        TCP_CHECK {
            connect_timeout 5
            retry 1
            delay_before_retry 1
        }
`
)

// The check blocks of real servers that are watched.
const (
	evenkeelWatch = `  check "http" {
    interval = "5s"
    timeout  = "5s"
    fall     = 1
    rise     = 1
  }
`
	keepalivedWatch = `        HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 5
            retry 0
        }
`
)

// watched says whether a virtual server is.
func (s Size) watched(v int) bool { return s.Watched && v == s.VirtualServers-1 }

// watchedServers are the real servers of the virtual server that is.
func (s Size) watchedServers() (list []string) {
	for r := range s.RealServers {
		list = append(list, s.server(s.VirtualServers-1, r).String())
	}
	return list
}

// Evenkeel returns the configuration in evenkeel's language.
func (s Size) Evenkeel() []byte {
	var b strings.Builder
	b.WriteString("director {\n  name = \"bench\"\n}\n")
	for v := range s.VirtualServers {
		fmt.Fprintf(&b, `
virtual_server "v%d" {
  address     = "%s:%d"
  protocol    = "tcp"
  scheduler   = "wrr"
  forward     = "dr"
  start_state = "up"
`, v, after(firstService, v), port)
		switch {
		case s.watched(v):
			b.WriteString("\n" + evenkeelWatch)
		case s.Checks == PerVirtualServer:
			b.WriteString("\n")
			fmt.Fprintf(&b, evenkeelCheck, "  ")
		}
		for r := range s.RealServers {
			fmt.Fprintf(&b, "\n  real_server \"%s:%d\" {\n    weight = %d\n", s.server(v, r), port, s.weight(v, r))
			if s.Checks == PerRealServer && !s.watched(v) {
				b.WriteString("\n")
				fmt.Fprintf(&b, evenkeelCheck, "    ")
			}
			b.WriteString("  }\n")
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}

// Keepalived returns the configuration in keepalived's.
func (s Size) Keepalived() []byte {
	var b strings.Builder
	b.WriteString("global_defs {\n    router_id bench\n}\n")
	for v := range s.VirtualServers {
		every, check := 300, keepalivedCheck
		switch {
		case s.watched(v):
			every, check = 5, keepalivedWatch
		case s.Checks == NoChecks:
			check = ""
		}
		fmt.Fprintf(&b, "virtual_server %s %d {\n    delay_loop %d\n    lb_algo wrr\n    lb_kind DR\n    protocol TCP\n", after(firstService, v), port, every)
		for r := range s.RealServers {
			fmt.Fprintf(&b, "    real_server %s %d {\n        weight %d\n", s.server(v, r), port, s.weight(v, r))
			b.WriteString(check)
			b.WriteString("    }\n")
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}

// Save returns the table as ipvsadm --save writes it.
func (s Size) Save() []byte {
	var b strings.Builder
	for v := range s.VirtualServers {
		service := netip.AddrPortFrom(after(firstService, v), port)
		fmt.Fprintf(&b, "-A -t %s -s wrr\n", service)
		for r := range s.RealServers {
			fmt.Fprintf(&b, "-a -t %s -r %s:%d -g -w %d\n", service, s.server(v, r), port, s.weight(v, r))
		}
	}
	return []byte(b.String())
}
