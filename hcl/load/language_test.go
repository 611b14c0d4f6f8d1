package load

import (
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/hcl/schema"
)

// An attribute that the documentation does not know is one that nobody finds.
func TestDocumentationHasEveryBlockAndAttribute(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for block, shape := range map[string]*schema.Shape{
		"director": directorShape, "brake": brakeShape, "virtual_server": virtualServerShape, "match": matchShape, "persistence": persistenceShape,
		"real_server": realServerShape, "tunnel": tunnelShape, "sorry_server": sorryServerShape, "sorry_page": sorryPageShape,
		"ipvs": ipvsShape, "sync": syncShape, "timeouts": timeoutsShape, "vrrp_instance": instanceShape,
		"virtual_address": virtualAddressShape, "authentication": authenticationShape, "track": trackShape,
		"vrrp_sync_group": syncGroupShape, "plugin": pluginShape, "appliance": applianceShape,
		"appliance interface": applianceInterfaceShape, "appliance interface route": applianceRouteShape,
		"appliance interface vlan": vlanShape, "appliance interface bond": bondShape, "appliance syslog": syslogShape,
		"check":     schema.NewShape(commonAttributes["check"]),
		"notify":    schema.NewShape(commonAttributes["notify"]),
		"provision": schema.NewShape(commonAttributes["provision"]),
	} {
		section := sectionOf(page, block)
		if section == "" {
			t.Errorf("there is no section %s", block)
			continue
		}
		for _, name := range shape.Attributes() {
			if !strings.Contains(section, "`"+name+"`") {
				t.Errorf("the section %s does not say what %s is", block, name)
			}
		}
	}
	for name := range functions() {
		if !strings.Contains(sectionOf(page, "Functions"), name) {
			t.Errorf("the function %s is not there", name)
		}
	}
	for kind := range eventKinds {
		if !strings.Contains(sectionOf(page, "notify"), "`"+kind+"`") {
			t.Errorf("events of the kind %s are not there", kind)
		}
	}
}

// sectionOf returns what stands below a heading, up to the next.
func sectionOf(page, heading string) string {
	for _, level := range []string{"\n## ", "\n### "} {
		if _, rest, ok := strings.Cut(page, level+heading+"\n"); ok {
			if i := strings.Index(rest, "\n##"); i >= 0 {
				rest = rest[:i]
			}
			return rest
		}
	}
	return ""
}

func TestExamplesOfTheDocumentationAreRight(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(sectionOf(string(text), "A small example"), "```hcl\n")
	example, _, _ = strings.Cut(example, "```")
	if cfg := loaded(t, example); len(cfg.VirtualServers) != 1 || len(cfg.VirtualServers[0].RealServers) != 2 {
		t.Errorf("the example has %d virtual servers", len(cfg.VirtualServers))
	}
	_, dynamic, _ := strings.Cut(sectionOf(string(text), "Dynamic blocks"), "```hcl\n")
	dynamic, _, _ = strings.Cut(dynamic, "```")
	_, locals, _ := strings.Cut(sectionOf(string(text), "Locals"), "```hcl\n")
	locals, _, _ = strings.Cut(locals, "```")
	locals = strings.Replace(locals, "  # ...\n", "  protocol = \"tcp\"\n  forward = \"nat\"\n"+dynamic, 1)
	if cfg := loaded(t, locals); len(cfg.VirtualServers[0].RealServers) != 2 {
		t.Errorf("the dynamic block makes %d real servers", len(cfg.VirtualServers[0].RealServers))
	}
}

// Words of other tools must not be words of this language, or the hint would never be seen.
func TestOtherWordsAreNotOurs(t *testing.T) {
	ours := map[string]bool{}
	for _, s := range []*schema.Shape{topLevelShape, virtualServerShape, realServerShape, instanceShape, persistenceShape} {
		for _, name := range s.Attributes() {
			ours[name] = true
		}
	}
	for word, hint := range otherWords {
		if ours[word] || !strings.HasSuffix(hint, ".") {
			t.Errorf("%s: %q", word, hint)
		}
	}
}
