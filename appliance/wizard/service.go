package wizard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// mostServices is how many virtual servers can be written with the wizard; more are for an editor.
const mostServices = 9

// serviceKey is the key of a question about the n-th virtual server.
func serviceKey(n int, s string) string { return fmt.Sprintf("service%d.%s", n, s) }

func services() []entry {
	var all []entry
	for n := 1; n <= mostServices; n++ {
		all = append(all, service(n)...)
	}
	return all
}

func service(n int) []entry {
	section := "Virtual server"
	text := "Name of the virtual server"
	wanted := func(k *known) bool { return k.shares() }
	if n > 1 {
		section = fmt.Sprintf("Virtual server %d", n)
		text = "Name of one more virtual server"
		wanted = func(k *known) bool { return k.shares() && !k.None(serviceKey(n-1, "name")) }
	}
	is := func(key, value string) func(*known) bool {
		return func(k *known) bool { return k.Answers[serviceKey(n, key)] == value }
	}
	named := func(k *known) bool { return wanted(k) && !k.None(serviceKey(n, "name")) }
	tcp := is("protocol", "tcp")
	entries := []entry{{
		key: serviceKey(n, "name"), optional: true, when: wanted, text: text,
		help: `A virtual server is a service that clients see, at an address and port, and the
real servers behind it. With "none" there is no further one.`,
		preset: func(*known) string {
			if n == 1 {
				return "web"
			}
			return None
		},
		check: func(s string, k *known) (string, error) {
			s, err := blockName(s)
			for i := 1; i < n && err == nil; i++ {
				if k.Answers[serviceKey(i, "name")] == s {
					err = fmt.Errorf("there is a virtual server %q already: write another name", s)
				}
			}
			return s, err
		},
	}, {
		key: serviceKey(n, "protocol"), kind: Choice, when: named,
		text:    "Protocol",
		help:    "HTTP, HTTPS, mail and most others go by TCP; DNS, SIP and games use UDP.",
		choices: options("tcp", "", "udp", ""),
		preset:  always("tcp"),
	}, {
		key: serviceKey(n, "address"), when: named,
		text: "Address and port that clients connect to",
		help: "A VIP and the port, as in 192.0.2.10:80 or [2001:db8::10]:80.",
		preset: func(k *known) string {
			for _, a := range k.listeners() {
				if s := netip.AddrPortFrom(a, 80).String(); k.freeService(n, s) == nil {
					return s
				}
			}
			return ""
		},
		check: func(s string, k *known) (string, error) {
			e, err := endpoint(s, 0)
			if err != nil {
				return "", err
			}
			if here := k.listeners(); len(here) > 0 && !slices.Contains(here, e.Addr()) {
				return "", fmt.Errorf("%s is no address of this director: write one of its own, as in %q, or go back (<) to the VIPs", e.Addr(), netip.AddrPortFrom(here[0], e.Port()))
			}
			return e.String(), k.freeService(n, e.String())
		},
	}, {
		key: serviceKey(n, "forward"), kind: Choice, when: named,
		text: "How do packets reach the real servers?",
		help: `dr: the fastest. Answers go straight to the clients. Each real server has the
VIP on its loopback, without ARP for it, and is in the network of the director.
nat: real servers need nothing but this director as their gateway, and may
listen on other ports.
tun: as dr, and the real servers may be in other networks.
fullnat: works with any real server that can be reached; it sees the director's
address in place of the client's.`,
		choices: options("dr", "direct routing", "nat", "the director is the real servers' gateway",
			"tun", "tunnels", "fullnat", "the real servers see the director's address"),
		preset: func(k *known) string {
			if k.Answers["network2"] == yes {
				return "nat"
			}
			return "dr"
		},
	}, {
		key: serviceKey(n, "servers"), when: named,
		text: "Real servers",
		help: `Their addresses, with blanks between them, as in "10.1.0.11 10.1.0.12". With
nat and fullnat they may have ports of their own: 10.1.0.11:8080.`,
		check: func(s string, k *known) (string, error) {
			return list(s, func(s string) (netip.AddrPort, error) { return k.server(n, s) }, netip.AddrPort.String)
		},
	}, {
		key: serviceKey(n, "scheduler"), kind: Choice, when: named,
		text: "Which real server gets a new connection?",
		choices: options("wlc", "the one with the fewest connections", "rr", "each in its turn",
			"sh", "the same for the same client", "mh", "the same for the same client, also when others come and go"),
		help:   "The kernel has more ways: see scheduler in docs/configuration.md.",
		preset: always("wlc"),
	}, {
		key: serviceKey(n, "persistence"), optional: true, when: named,
		text: "How long does a client stay with its real server (persistence)",
		help: `As in 10m: a client that comes again within this time gets the same real
server. Shops and logins that remember nothing elsewhere need it.`,
		check: plain(seconds),
	}, {
		key: serviceKey(n, "check"), kind: Choice, when: named,
		text: "How is a real server known to work?",
		help: `A real server that fails its check gets no connections until it works again.
With none it is never taken out.`,
		choices: func(k *known) []Option {
			if tcp(k) {
				return options("tcp", "a connection is made", "http", "a page is there", "https", "a page is there, by TLS", None, "it is not watched")(k)
			}
			return options("ping", "it answers an echo request", None, "it is not watched")(k)
		},
		preset: func(k *known) string {
			if !tcp(k) {
				return "ping"
			}
			switch k.port(n) {
			case 80, 8080:
				return "http"
			case 443, 8443:
				return "https"
			}
			return "tcp"
		},
	}, {
		key: serviceKey(n, "path"), when: func(k *known) bool { return named(k) && k.asksPage(n) },
		text:   "Page to ask for",
		help:   "A path as in /health. It must be answered with a status from 200 to 299.",
		preset: always("/"),
		check:  plain(path),
	}, {
		key: serviceKey(n, "host"), optional: true, when: func(k *known) bool { return named(k) && k.asksPage(n) },
		text: "Name of the site to ask for",
		help: `The host name in the request, as in www.example.com. With https the certificate
must be of this name; with "none" the certificate is not looked at.`,
		check: plain(hostName),
	}}
	for i := range entries {
		entries[i].section = section
	}
	return entries
}

// listeners are the addresses that services may have, as far as they are known.
func (k *known) listeners() []netip.Addr {
	all := k.ownAddresses()
	if k.Answers["network1.by"] == "dhcp" {
		all = nil // not all are known
	}
	if vips := k.List("vips"); len(vips) > 0 {
		all = nil
		for _, v := range vips {
			all = append(all, netip.MustParsePrefix(v).Addr())
		}
	}
	return all
}

// freeService says whether an address is no other virtual server's.
func (k *known) freeService(n int, at string) error {
	for i := 1; i < n; i++ {
		if k.Answers[serviceKey(i, "address")] == at && k.Answers[serviceKey(i, "protocol")] == k.Answers[serviceKey(n, "protocol")] {
			return fmt.Errorf("%s is virtual server %q already: write another port or address", at, k.Answers[serviceKey(i, "name")])
		}
	}
	return nil
}

func (k *known) port(n int) uint16 {
	return netip.MustParseAddrPort(k.Answers[serviceKey(n, "address")]).Port()
}

func (k *known) asksPage(n int) bool {
	return strings.HasPrefix(k.Answers[serviceKey(n, "check")], "http")
}

// forwards says whether any virtual server forwards in that way.
func (k *known) forwards(how string) bool {
	for n := 1; n <= mostServices; n++ {
		if k.Answers[serviceKey(n, "forward")] == how {
			return true
		}
	}
	return false
}

// servers are all real servers that were written so far.
func (k *known) servers() []netip.AddrPort {
	var all []netip.AddrPort
	for n := 1; n <= mostServices; n++ {
		for _, s := range k.List(serviceKey(n, "servers")) {
			all = append(all, netip.MustParseAddrPort(s))
		}
	}
	return all
}

// server is a real server of a virtual server: of its family, and with its port unless packets are rewritten.
func (k *known) server(n int, s string) (netip.AddrPort, error) {
	at := netip.MustParseAddrPort(k.Answers[serviceKey(n, "address")])
	forward := k.Answers[serviceKey(n, "forward")]
	e, err := endpoint(s, at.Port())
	switch {
	case err != nil:
		return e, err
	case e.Addr().Is4() != at.Addr().Is4():
		return e, fmt.Errorf("%s and the service's %s are of different families: write the real server's address of that family", e.Addr(), at.Addr())
	case e.Port() != at.Port() && (forward == "dr" || forward == "tun"):
		return e, fmt.Errorf("with %s packets arrive at the port they were sent to: write %s, or go back (<) and choose nat", forward, netip.AddrPortFrom(e.Addr(), at.Port()))
	case slices.Contains(k.listeners(), e.Addr()), e.Addr() == at.Addr():
		return e, fmt.Errorf("%s is an address of the director: write the real server's own", e.Addr())
	}
	return e, nil
}
