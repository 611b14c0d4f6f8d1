package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

const checksPage = "../../docs/checks.md"

// checkTypes are the built-in ones, by name.
func checkTypes() map[string]sdk.Info {
	types := map[string]sdk.Info{}
	for _, p := range builtins() {
		if i := p.Info(); i.Kind == sdk.KindCheck {
			types[i.Name] = i
		}
	}
	return types
}

func TestThePageOfChecksHasEachBuiltInTypeAndNoOther(t *testing.T) {
	b, err := os.ReadFile(checksPage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "\n## Types\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	types := checkTypes()
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| \\[`([a-z0-9]+)`\\]\\(([^)]+)\\) \\| \\S").FindAllStringSubmatch(rest, -1) {
		listed = append(listed, m[1])
		if _, ok := types[m[1]]; !ok {
			t.Errorf("the page has a type %q, and there is none", m[1])
		}
		if want := "../plugins/check/" + m[1] + "/README.md"; m[2] != want {
			t.Errorf("%s is linked to %s, not to %s", m[1], m[2], want)
		}
	}
	for name := range types {
		if !slices.Contains(listed, name) {
			t.Errorf("the page does not list %q", name)
		}
	}
	if !slices.IsSorted(listed) {
		t.Errorf("the types are not in the order of their names: %q", listed)
	}
}

func TestWhatOthersChecksHaveBecomeExists(t *testing.T) {
	b, err := os.ReadFile(checksPage)
	if err != nil {
		t.Fatal(err)
	}
	types := checkTypes()
	general := []string{"address", "port", "interval", "timeout", "retry_interval", "fall", "rise", "spread", "source", "interface", "mark"}
	virtualServer := []string{"start_state", "on_failure", "weight"}
	section := regexp.MustCompile("^### .*: (?:any )?\\[`([a-z0-9]+)`\\]")
	typeName := regexp.MustCompile(`check "([a-z0-9]+)"`)
	attribute := regexp.MustCompile("`([a-z][a-z0-9_]*)(?: = [^`]*)?`")
	of := ""
	rows := 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			of = ""
			if m := section.FindStringSubmatch(line); m != nil {
				of = m[1]
			}
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| [") {
			continue
		}
		rows++
		here := cells[1]
		known := slices.Concat(general, virtualServer, []string{"check"})
		mentioned := []string{of}
		for _, m := range typeName.FindAllStringSubmatch(here, -1) {
			if _, ok := types[m[1]]; !ok {
				t.Errorf("%sthere is no check %q", line, m[1])
			}
			mentioned = append(mentioned, m[1])
		}
		for _, name := range mentioned {
			for _, a := range types[name].Schema.Attributes {
				known = append(known, a.Name)
			}
		}
		if strings.HasPrefix(here, "nothing") || strings.HasPrefix(here, "the check of the `service`") {
			continue
		}
		for _, m := range attribute.FindAllStringSubmatch(here, -1) {
			if name := m[1]; !slices.Contains(known, name) && !slices.Contains([]string{"drain", "up", "down"}, name) {
				t.Errorf("%sthere is no attribute %q of %q", line, name, mentioned)
			}
		}
	}
	if rows < 80 {
		t.Errorf("the page has only %d rows", rows)
	}
}

func TestThePageOfChecksHasAllThatOthersHave(t *testing.T) {
	b, err := os.ReadFile(checksPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(`
		TCP_CHECK HTTP_GET SSL_GET SMTP_CHECK DNS_CHECK MISC_CHECK UDP_CHECK PING_CHECK FILE_CHECK BFD_CHECK
		connect negotiate external external-perl off on ping checktimeout negotiatetimeout checkinterval failurecount
		http https http_proxy ftp smtp submission pop pops imap imaps ldap ldaps nntp dns mysql pgsql oracle radius sip simpletcp none`) {
		if !strings.Contains(string(b), "| `"+name+"`") && !strings.Contains(string(b), ", `"+name+"`") {
			t.Errorf("the page does not say what %s has become", name)
		}
	}
}

func TestTheConfigurationsInThePageOfChecksAreGood(t *testing.T) {
	all := examples(t, checksPage)
	if len(all) == 0 {
		t.Error("there is none")
	}
	for _, text := range all {
		good(t, filepath.Base(checksPage), text)
	}
}
