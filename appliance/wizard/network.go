package wizard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// networks are the questions about the network to the clients and, where there is one, that to the real servers.
func networks() []entry {
	first := network1()
	second := entry{
		key: "network2", section: "Network to the real servers", kind: Choice, choices: yesOrNo,
		text: "Do the real servers have a network of their own?",
		help: `With "yes" this director has a second card, or a second VLAN, which leads to
them. With "no" they are in the network of the clients, or behind its router.`,
		preset: func(k *known) string {
			if slices.ContainsFunc(k.cards(2), func(o Option) bool { return o.Value != Auto && !strings.HasSuffix(o.Text, noCable) }) {
				return yes // a card that is left over has a cable
			}
			return no
		},
	}
	return slices.Concat(first, []entry{second}, network2())
}

func network1() []entry {
	const section = "Network to the clients"
	static := func(k *known) bool { return k.Box && k.Answers["network1.by"] == "static" }
	return slices.Concat(wires(1, section, func(*known) bool { return true }), []entry{{
		key: "network1.by", section: section, kind: Choice, when: (*known).box,
		text: "How does the box get its address?",
		help: `An address that this box always has, beside the virtual ones that move. A
director should have a fixed one.`,
		choices: options("static", "you write it", "dhcp", "a DHCP server gives it"),
		preset:  always("static"),
	}, {
		key: "network1.address", section: section, when: static,
		text:  "Address of this box, with the length of its network",
		help:  "As in 192.0.2.11/24; a netmask of 255.255.255.0 is the length 24.",
		check: own,
	}, {
		key: "network1.gateway", section: section, optional: true, when: static,
		text: "Gateway to other networks",
		help: "The router of this network. Without one, only this network is reached.",
		check: func(s string, k *known) (string, error) {
			a, err := address(s)
			if err != nil {
				return "", err
			}
			p := netip.MustParsePrefix(k.Answers["network1.address"])
			switch {
			case a == p.Addr():
				return "", fmt.Errorf("%s is this box's own address: write the router's", a)
			case !p.Contains(a) && !a.IsLinkLocalUnicast(), a.Is4() != p.Addr().Is4():
				return "", fmt.Errorf("%s is not in the network %s, so it can't be reached: write the router's address there", a, p.Masked())
			}
			return a.String(), nil
		},
	}, {
		key: "nameservers", section: section, optional: true, when: static,
		text: "Name servers (DNS)",
		help: `Addresses, with blanks between them. They are needed if time or mail servers
have names.`,
		check: func(s string, _ *known) (string, error) { return list(s, address, netip.Addr.String) },
	}})
}

func network2() []entry {
	const section = "Network to the real servers"
	wanted := func(k *known) bool { return k.Answers["network2"] == yes }
	return append(wires(2, section, wanted), entry{
		key: "network2.address", section: section, when: func(k *known) bool { return k.Box && wanted(k) },
		text: "Address of this box there, with the length of the network",
		help: `As in 10.1.0.1/24. It is this box's own; an address that both of a pair share
comes later.`,
		check: func(s string, k *known) (string, error) {
			s, err := own(s, k)
			if err != nil || k.None("network1.address") {
				return s, err
			}
			first, p := netip.MustParsePrefix(k.Answers["network1.address"]), netip.MustParsePrefix(s)
			if first.Overlaps(p) {
				return "", fmt.Errorf("%s is in the network to the clients, %s: write an address of the other network, or go back (<) and say that there is none", p.Addr(), first.Masked())
			}
			return s, nil
		},
	})
}

// own is an address of this box.
func own(s string, _ *known) (string, error) {
	p, err := network(s)
	if err == nil && p.Addr().IsLoopback() {
		err = fmt.Errorf("%s never leaves the box: write an address of the network", p.Addr())
	}
	return p.String(), err
}

// wires are the questions that say which cards, as one or bonded, and which VLAN on them, make the interface of a network.
func wires(n int, section string, wanted func(*known) bool) []entry {
	key := func(s string) string { return fmt.Sprintf("network%d.%s", n, s) }
	return []entry{{
		key: key("bond"), section: section, kind: Choice,
		when: func(k *known) bool { return k.Box && wanted(k) && len(k.Cards) > 2*(n-1)+1 },
		text: "One card, or two that are one (a bond)?",
		help: `With active-backup the second card stands in for the first, at any switch. With
802.3ad (LACP) both are used at once; the switch must be set up for it.`,
		choices: options(no, "one card", "active-backup", "two cards, one of them used", "802.3ad", "two cards, both used (LACP)"),
		preset:  always(no),
	}, {
		key: key("card"), section: section, kind: Plug, byHand: true, when: wanted,
		text: "Which network card?",
		help: `With "auto": unplug the cable of the card, answer, and plug it in again; the
card is found by that. A card that is not here yet can be named.`,
		choices: func(k *known) []Option { return k.cards(n) },
		preset: func(k *known) string {
			if all := k.cards(n); len(all) > 1 {
				return all[0].Value
			}
			return ""
		},
		check: func(s string, k *known) (string, error) {
			s, err := interfaceName(s)
			if err == nil && n == 2 && (k.bonded(1) || k.bonded(2)) && slices.Contains(k.members(1), s) {
				err = fmt.Errorf("%s is in use for the network to the clients: choose another card", s)
			}
			if err == nil && n == 2 && !k.Box && s == k.Answers["network1.card"] {
				err = fmt.Errorf("%s leads to the clients: choose another interface, or go back (<) and say that there is no other network", s)
			}
			return s, err
		},
	}, {
		key: key("card2"), section: section, kind: Plug, byHand: true,
		when: func(k *known) bool { return k.Box && wanted(k) && k.bonded(n) },
		text: "Which is the second card?",
		help: "The card that is bonded with the first one.",
		choices: func(k *known) []Option {
			return slices.DeleteFunc(k.cards(n), func(o Option) bool { return o.Value == k.Answers[key("card")] })
		},
		check: func(s string, k *known) (string, error) {
			s, err := interfaceName(s)
			if err == nil && (s == k.Answers[key("card")] || n == 2 && slices.Contains(k.members(1), s)) {
				err = fmt.Errorf("%s is in use already: choose another card", s)
			}
			return s, err
		},
	}, {
		key: key("vlan"), section: section, optional: true,
		when: func(k *known) bool { return k.Box && wanted(k) },
		text: "VLAN on it",
		help: "The number of the VLAN, 1 to 4094, if the switch sends it tagged.",
		preset: func(*known) string {
			return None
		},
		check: func(s string, k *known) (string, error) {
			s, err := number(s, 1, 4094)
			if err == nil && n == 2 && s == k.Answers["network1.vlan"] && slices.Equal(k.members(1), k.members(2)) {
				err = fmt.Errorf("VLAN %s of this card leads to the clients: write the number of another one", s)
			}
			return s, err
		},
	}, {
		// Asked only where the answers before leave two networks on one wire.
		key: key("vlan.other"), section: section,
		when: func(k *known) bool {
			return n == 2 && k.Box && wanted(k) && k.None("network1.vlan") && k.None("network2.vlan") && slices.Equal(k.members(1), k.members(2))
		},
		text:  "Both networks are on one card, so one of them is a VLAN: which is this one",
		help:  "The number of the VLAN, 1 to 4094; or go back (<) and choose another card.",
		check: func(s string, _ *known) (string, error) { return number(s, 1, 4094) },
	}}
}

// noCable is what is said of a card without a link.
const noCable = "no cable"

// cards are the choices of a network's card: those with a cable first, and Auto.
func (k *known) cards(n int) []Option {
	var all []Option
	taken := k.members(1)
	for _, c := range k.Cards {
		if n == 2 && slices.Contains(taken, c.Name) {
			continue
		}
		text := strings.TrimSpace(fmt.Sprintf("%-17s  %-12s", c.MAC, c.Driver))
		if !c.Link {
			text += "  " + noCable
		}
		all = append(all, Option{Value: c.Name, Text: text})
	}
	linked := func(o Option) int {
		if strings.HasSuffix(o.Text, noCable) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b Option) int { return linked(a) - linked(b) })
	return append(all, Option{Value: Auto, Text: "plug the cable in now, and the card is found"})
}

func (k *known) bonded(n int) bool {
	mode := k.Answers[fmt.Sprintf("network%d.bond", n)]
	return mode != "" && mode != no
}

// members are the cards of a network.
func (k *known) members(n int) []string {
	var all []string
	for _, key := range []string{"card", "card2"} {
		if c := k.Answers[fmt.Sprintf("network%d.%s", n, key)]; c != "" {
			all = append(all, c)
		}
	}
	return all
}

// vlan is the VLAN of a network, "" without one.
func (k *known) vlan(n int) string {
	for _, key := range []string{"vlan", "vlan.other"} {
		if key := fmt.Sprintf("network%d.%s", n, key); !k.None(key) {
			return k.Answers[key]
		}
	}
	return ""
}

// wire is the interface that a network's VLAN is on, or that is the network's own.
func (k *known) wire(n int) string {
	if k.bonded(n) {
		return fmt.Sprintf("bond%d", n-1)
	}
	return k.Answers[fmt.Sprintf("network%d.card", n)]
}

// networkInterface is the name of the interface that leads to a network, "" where there is no such network.
func (k *known) networkInterface(n int) string {
	wire, vlan := k.wire(n), k.vlan(n)
	switch name := wire + "." + vlan; {
	case wire == "" || vlan == "":
		return wire
	case len(name) > 15: // the kernel's limit (IFNAMSIZ)
		return "vlan" + vlan
	default:
		return name
	}
}
