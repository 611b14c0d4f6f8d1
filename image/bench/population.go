package bench

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/image/lab/pair"
)

// A population is a number of real servers, ten in each virtual server, with a check of one type on each, every second. One
// failure takes a server out.
type population struct {
	check   string // "tcp" or "http"
	targets int
}

func (p population) name() string {
	return fmt.Sprintf("%d %s checks every second", p.targets, p.check)
}

func (p population) size() Size {
	return Size{VirtualServers: p.targets / realServers, RealServers: realServers}
}

// evenkeel returns the configuration in evenkeel's language.
func (p population) evenkeel() string {
	s := p.size()
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

  check "%s" {
    interval = "1s"
    timeout  = "1s"
    fall     = 1
    rise     = 1
  }
`, v, after(firstService, v), port, p.check)
		for r := range s.RealServers {
			fmt.Fprintf(&b, "  real_server \"%s:%d\" {}\n", s.server(v, r), port)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// keepalived returns it in keepalived's.
func (p population) keepalived() string {
	check := "TCP_CHECK {\n"
	if p.check == "http" {
		check = "HTTP_GET {\n            url {\n                path /\n                status_code 200\n            }\n"
	}
	check += "            connect_timeout 1\n            retry 0\n        }\n"
	s := p.size()
	var b strings.Builder
	b.WriteString("global_defs {\n    router_id bench\n}\n")
	for v := range s.VirtualServers {
		fmt.Fprintf(&b, "virtual_server %s %d {\n    delay_loop 1\n    lb_algo wrr\n    lb_kind DR\n    protocol TCP\n", after(firstService, v), port)
		for r := range s.RealServers {
			fmt.Fprintf(&b, "    real_server %s %d {\n        weight 1\n        %s    }\n", s.server(v, r), port, check)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// A prober is one of the daemons as it only checks: it writes to no kernel. It is a pair.Daemon.
type prober struct {
	column  int
	binary  string
	logs    bool   // whether its log is wanted
	swallow string // a library that takes what keepalived says to the kernel
	config  string
}

// Name implements pair.Daemon.
func (p prober) Name() string { return names[p.column] }

// Config implements pair.Daemon.
func (p prober) Config(pair.Config) string { return p.config }

// Command implements pair.Daemon: as many files may be open as can be.
func (p prober) Command(config, dir string) []string {
	daemon := []string{p.binary, "run", "--dry-run", "--config", config, "--state", dir + "/state", "--socket", dir + "/control.sock", "--run-dir", dir + "/run"}
	if p.column == keepalived {
		daemon = []string{"/usr/bin/env", "LD_PRELOAD=" + p.swallow, p.binary, "-n", "-C", "-f", config, "-p", dir + "/pid", "-c", dir + "/checkers.pid"}
		if p.logs { // with 10,000 checks it does not get beyond the lines about its start
			daemon = append(daemon, "-l")
		}
	}
	return append([]string{"/bin/sh", "-c", `ulimit -n $(ulimit -Hn); exec "$@"`, "sh"}, daemon...)
}
