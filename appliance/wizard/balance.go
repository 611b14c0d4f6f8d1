package wizard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The places of a director.
const (
	alone  = "alone"
	first  = "first"
	second = "second"
)

func (k *known) paired() bool { return k.Answers["pair"] == first || k.Answers["pair"] == second }

// joins says whether what the pair shares comes from the first director.
func (k *known) joins() bool { return !k.None("pair.code") }

// shares says whether what the pair shares is asked for here.
func (k *known) shares() bool { return !k.joins() }

func pair() []entry {
	return []entry{{
		key: "pair", section: "Pair", kind: Choice,
		text: "One director, or two that stand in for each other?",
		help: `Two directors share virtual addresses (VIPs). One of them, the master, holds
them, and the other takes over within seconds when it fails.`,
		choices: options(alone, "one director", first, "the first of a pair", second, "the second of a pair"),
		preset:  always(alone),
	}, {
		key: "pair.code", section: "Pair", optional: true,
		when: func(k *known) bool { return k.Answers["pair"] == second },
		text: "Code that the first director shows",
		help: `On the first director: "Pair" in the menu, or "evenkeel pair". With its code,
what both share is fetched from there. With "none", you answer the same
questions as you did there.`,
		check: pairingCode,
	}, {
		key: "pair.peer", section: "Pair", optional: true,
		when: func(k *known) bool { return k.paired() && k.shares() },
		text: "Address of the other director, if adverts can't go by multicast",
		help: `Directors tell each other that they live by VRRP adverts, to a multicast
address. In networks that carry none, such as clouds, they go to this
address.`,
		check: func(s string, k *known) (string, error) {
			a, err := address(s)
			if err == nil && slices.Contains(k.ownAddresses(), a) {
				err = fmt.Errorf("%s is this director's own address: write the other's", a)
			}
			return a.String(), err
		},
	}}
}

// ownAddresses are what this box always has.
func (k *known) ownAddresses() []netip.Addr {
	var all []netip.Addr
	for _, key := range []string{"network1.address", "network2.address"} {
		if !k.None(key) {
			all = append(all, netip.MustParsePrefix(k.Answers[key]).Addr())
		}
	}
	return all
}

func addresses() []entry {
	routed := func(k *known) bool { return k.shares() && !k.None("vips") }
	return []entry{{
		key: "vips", section: "Virtual addresses", when: (*known).shares,
		text: "VIPs, each with the length of its network",
		help: `What clients connect to: addresses of the clients' network that no machine
has, as in 192.0.2.10/24, with blanks between them. The master holds them. A
director that is alone may use its own address instead: "none".`,
		preset: func(k *known) string {
			if k.paired() {
				return ""
			}
			return None
		},
		check: func(s string, k *known) (string, error) {
			if s == None && !k.paired() {
				return None, nil
			}
			return list(s, func(s string) (netip.Prefix, error) { return k.vip(s) }, netip.Prefix.String)
		},
	}, {
		key: "vrid", section: "Virtual addresses", when: routed,
		text: "Virtual router id",
		help: `1 to 255: both of a pair have the same, and no other pair in their network
has it.`,
		preset: always("51"),
		check:  func(s string, _ *known) (string, error) { return number(s, 1, 255) },
	}, {
		key: "sync", section: "Virtual addresses", kind: Choice, choices: yesOrNo,
		when: func(k *known) bool { return routed(k) && k.paired() },
		text: "Shall open connections survive a failover?",
		help: `The master tells the other about its connections, by multicast in the network
of the real servers if there is one.`,
		preset: always(yes),
	}}
}

// vip is a virtual address: of no machine, and of the family of the one before it if adverts go to a peer.
func (k *known) vip(s string) (netip.Prefix, error) {
	p, err := network(s)
	if err != nil {
		return p, err
	}
	a := p.Addr()
	switch peer, _ := netip.ParseAddr(k.Answers["pair.peer"]); {
	case a.IsLoopback(), a.IsLinkLocalUnicast():
		return p, fmt.Errorf("%s can't be reached from other networks: write an address of the clients' network", a)
	case slices.Contains(k.ownAddresses(), a):
		return p, fmt.Errorf("%s is this director's own address: a virtual address is one that no machine has", a)
	case peer.IsValid() && peer.Is4() != a.Is4():
		return p, fmt.Errorf("adverts go to the other director's %s, so a VIP has to be of that family: write such an address", peer)
	case a == peer:
		return p, fmt.Errorf("%s is the other director's own address: a virtual address is one that no machine has", a)
	case !k.None("network1.gateway") && a.String() == k.Answers["network1.gateway"]:
		return p, fmt.Errorf("%s is the gateway: a virtual address is one that no machine has", a)
	}
	return p, nil
}

// gateway is the question for the address that the real servers of forwarding by nat send their answers to.
func gateway() []entry {
	return []entry{{
		key: "gateway_vip", section: "Virtual addresses", optional: true,
		when: func(k *known) bool { return k.shares() && !k.None("vips") && k.paired() && k.forwards("nat") },
		text: "The real servers' gateway, with the length of its network",
		help: `With nat, real servers send their answers through the director: their default
gateway is an address in their network, as in 10.1.0.254/24, that moves to the
master with the VIPs.`,
		check: func(s string, k *known) (string, error) {
			p, err := k.vip(s)
			if err == nil && strings.Contains(" "+k.Answers["vips"], " "+p.Addr().String()+"/") {
				err = fmt.Errorf("%s is a VIP already: write an address of the real servers' network", p.Addr())
			}
			if err == nil && slices.ContainsFunc(k.servers(), func(a netip.AddrPort) bool { return a.Addr() == p.Addr() }) {
				err = fmt.Errorf("%s is a real server's own address: write one that no machine has", p.Addr())
			}
			return p.String(), err
		},
	}}
}
