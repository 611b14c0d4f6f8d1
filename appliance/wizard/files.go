package wizard

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/hcl/format"
)

// The names of the files that a box has its configuration in.
const (
	BoxFile    = "box.hcl"
	SharedFile = "shared.hcl"
)

// Files are the configuration in its two parts, which are one configuration together.
type Files struct {
	Box    []byte // of this director alone: its name, its network, its priority
	Shared []byte // the same on both of a pair; nil if it is to be fetched with a pairing code
}

// Joined is the whole configuration as one file.
func (f Files) Joined() []byte {
	if f.Shared == nil {
		return f.Box
	}
	return slices.Concat(f.Box, []byte("\n"), f.Shared)
}

// Files writes the configuration that the answers mean. All must be answered.
func (s *Session) Files() (Files, error) {
	k := s.context()
	box := k.writeBox()
	f := Files{}
	var err error
	if f.Box, err = layout(BoxFile, box); err != nil || k.joins() {
		return f, err
	}
	f.Shared, err = layout(SharedFile, k.writeShared())
	return f, err
}

// layout gives a text its canonical layout.
func layout(name string, text []byte) ([]byte, error) {
	out, diags := format.Format(name, text)
	if diags.HasErrors() {
		return nil, fmt.Errorf("laying out %s: %w", name, diags)
	}
	return out, nil
}

// A page is a text of HCL in the making.
type page struct{ bytes.Buffer }

// line writes a line. Its arguments are strings that are quoted by %s: a text cannot break out of its quotes.
func (p *page) line(layout string, texts ...string) {
	quoted := make([]any, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	fmt.Fprintf(p, layout+"\n", quoted...)
}

// quote writes a text as HCL does, with everything escaped that means something in it.
func quote(s string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
}

// quoteAll writes a list of texts.
func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// list writes an attribute that is a list of texts.
func (p *page) list(name string, texts []string) {
	fmt.Fprintf(p, "%s = %s\n", name, quoteAll(texts))
}

func (k *known) writeBox() []byte {
	var p page
	if k.paired() {
		p.line("# This director alone. What both of the pair share is in " + SharedFile + ".\n")
	}
	p.line("director {\n  name = %s\n}", k.Answers["hostname"])
	if k.joins() || !k.None("vips") {
		p.line("\nlocals {")
		switch k.Answers["pair"] {
		case first:
			p.line("priority = 100 # the higher one of the two directors' is the master's")
		case second:
			p.line("priority = 50 # the higher one of the two directors' is the master's")
		default:
			p.line("priority = 100")
		}
		p.line("outside = %s # the interface to the clients", k.networkInterface(1))
		if k.Answers["network2"] == yes {
			p.line("inside = %s # the interface to the real servers", k.networkInterface(2))
		}
		if peer := k.peer(); peer != "" {
			p.line("peer = %s # the other director", peer)
		}
		p.line("}")
	}
	if k.Box {
		k.writeAppliance(&p)
	}
	return p.Bytes()
}

// peer is the other director's address, "" if it is not known. The shared part may need it, so it is written where that
// is still to be fetched.
func (k *known) peer() string {
	if k.joins() {
		code, _, _ := strings.Cut(k.Answers["pair.code"], "/")
		return code
	}
	if k.None("pair.peer") {
		return ""
	}
	return k.Answers["pair.peer"]
}

func (k *known) writeAppliance(p *page) {
	p.line("\nappliance {\n  hostname = %s", k.Answers["hostname"])
	if names := k.List("nameservers"); names != nil {
		p.list("nameservers", names)
	}
	if times := k.List("ntp"); times != nil {
		p.list("ntp_servers", times)
	}
	var written []string
	for n := 1; n <= 2; n++ {
		name := k.networkInterface(n)
		if name == "" {
			continue
		}
		cards := k.members(n)
		if k.bonded(n) || k.vlan(n) != "" { // the cards themselves have no address
			for _, c := range cards {
				if slices.Contains(written, c) || c == k.networkInterface(2) {
					continue
				}
				p.line("\ninterface %s {", c)
				k.writeMAC(p, c)
				p.line("}")
				written = append(written, c)
			}
		}
		if wire := k.wire(n); k.bonded(n) && wire != name {
			p.line("\ninterface %s {", wire)
			k.writeBond(p, n)
			p.line("}")
		}
		p.line("\ninterface %s {", name)
		switch {
		case k.vlan(n) != "":
			p.line("vlan {\ninterface = %s\nid = "+k.vlan(n)+"\n}\n", k.wire(n))
		case k.bonded(n):
			k.writeBond(p, n)
			p.line("")
		default:
			k.writeMAC(p, name)
		}
		if k.Answers[fmt.Sprintf("network%d.by", n)] == "dhcp" {
			p.line("dhcp = true")
		} else {
			p.list("addresses", []string{k.Answers[fmt.Sprintf("network%d.address", n)]})
		}
		if n == 1 && !k.None("network1.gateway") {
			p.line("gateway = %s", k.Answers["network1.gateway"])
		}
		p.line("}")
		written = append(written, name)
	}
	p.line("}")
}

// writeMAC binds a name to its card, so that it is still right when another card is put in.
func (k *known) writeMAC(p *page, card string) {
	if i := slices.IndexFunc(k.Cards, func(c Card) bool { return c.Name == card && c.MAC != "" }); i >= 0 {
		p.line("mac = %s", k.Cards[i].MAC)
	}
}

func (k *known) writeBond(p *page, n int) {
	p.line("bond {")
	p.list("interfaces", k.members(n))
	p.line("mode = %s\n}", k.Answers[fmt.Sprintf("network%d.bond", n)])
}

func (k *known) writeShared() []byte {
	var p page
	if k.paired() {
		p.line("# The same on both directors of the pair.\n")
	}
	if !k.None("vips") {
		k.writeRouter(&p)
	}
	for n := 1; n <= mostServices; n++ {
		if !k.None(serviceKey(n, "name")) {
			k.writeService(&p, n)
		}
	}
	if !k.None("mail.to") {
		p.line("\nnotify \"mail\" \"operators\" {")
		p.list("on", []string{"vrrp_instance", "real_server", "quorum"})
		p.list("to", k.List("mail.to"))
		p.line("from = %s\n\nsmtp {\nserver = %s\n}\n}", k.Answers["mail.from"], k.Answers["mail.server"])
	}
	return bytes.TrimLeft(p.Bytes(), "\n")
}

// router is the name of the wizard's vrrp_instance.
const router = "vips"

func (k *known) writeRouter(p *page) {
	p.line("vrrp_instance %s {\ninterface = local.outside\nvirtual_router_id = "+k.Answers["vrid"]+"\npriority = local.priority", router)
	if !k.None("pair.peer") {
		p.line("unicast_peers = [local.peer]")
	}
	p.list("virtual_addresses", k.List("vips"))
	inside := "outside"
	if k.Answers["network2"] == yes {
		inside = "inside"
	}
	if !k.None("gateway_vip") {
		p.line("\nvirtual_address %s { # the real servers' gateway\ninterface = local."+inside+"\n}", k.Answers["gateway_vip"])
	}
	p.line("}")
	if k.Answers["sync"] == yes {
		p.line("\nipvs {\nsync { # the other director knows the open connections\ninterface = local." + inside + "\nfollow = vrrp_instance." + router + "\n}\n}")
	}
}

func (k *known) writeService(p *page, n int) {
	a := func(key string) string { return k.Answers[serviceKey(n, key)] }
	p.line("\nvirtual_server %s {\naddress = %s\nprotocol = %s\nscheduler = %s\nforward = %s",
		a("name"), a("address"), a("protocol"), a("scheduler"), a("forward"))
	if a("check") == None {
		p.line("start_state = \"up\" # nobody looks whether they work")
	}
	if !k.None(serviceKey(n, "persistence")) {
		p.line("\npersistence {\ntimeout = %s\n}", a("persistence"))
	}
	switch check := a("check"); check {
	case None:
	case "http", "https":
		p.line("\ncheck \"http\" {\npath = %s", a("path"))
		if !k.None(serviceKey(n, "host")) {
			p.line("host = %s", a("host"))
		}
		if check == "https" {
			p.line("tls = true")
			if k.None(serviceKey(n, "host")) {
				p.line("verify = false # the name of the certificate is not known")
			}
		}
		p.line("}")
	default:
		p.line("\ncheck %s {}", check)
	}
	p.line("")
	for _, s := range k.List(serviceKey(n, "servers")) {
		p.line("real_server %s {}", netip.MustParseAddrPort(s).String())
	}
	p.line("}")
}

// pairingCode is the rule of the question for it.
func pairingCode(s string, _ *known) (string, error) {
	c, err := pairing.ParseCode(s)
	if err != nil {
		return "", err
	}
	return c.String(), nil
}
