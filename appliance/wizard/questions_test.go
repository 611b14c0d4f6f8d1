package wizard

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEveryQuestionFitsATerminalAndExplainsItself(t *testing.T) {
	var keys []string
	for _, e := range questions() {
		if slices.Contains(keys, e.key) {
			t.Errorf("there are two questions %s", e.key)
		}
		keys = append(keys, e.key)
		if e.text == "" || e.help == "" || e.section == "" {
			t.Errorf("%s has no text, help or section", e.key)
		}
		if e.choices == nil && e.check == nil {
			t.Errorf("%s takes everything", e.key)
		}
		for line := range strings.Lines(e.text + "\n" + e.help) {
			if n := len(strings.TrimRight(line, "\n")); n > 79 {
				t.Errorf("%s: %d columns: %s", e.key, n, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
				t.Errorf("%s is not ASCII: %s", e.key, line)
			}
		}
	}
}

// at answers until a question is reached.
func at(t *testing.T, key string, m Machine, answers ...string) *Session {
	t.Helper()
	script, err := ParseScript("answers", strings.Join(answers, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := NewSession(m)
	for {
		q, ok := s.Question()
		switch {
		case !ok:
			t.Fatalf("%s is not asked", key)
		case q.Key == key:
			return s
		}
		r, err := script.Ask(t.Context(), q, "")
		if err == nil {
			err = s.Answer(r.Text)
		}
		if err != nil {
			t.Fatalf("%s: %v", q.Key, err)
		}
	}
}

var box = []string{"network1.card: eth0", "network1.address: 192.0.2.11/24", "network1.gateway: 192.0.2.1", "network2: no", "password: correct horse", "password.again: correct horse", "ntp: none"}

func TestAnswersAreTakenInTheirCanonicalFormOrRefusedWithWhatToWrite(t *testing.T) {
	machine := Machine{Box: true, Cards: []Card{{Name: "eth0"}, {Name: "eth1"}, {Name: "eth2"}, {Name: "eth3"}}}
	pair := append(slices.Clone(box), "pair: first", "pair.peer: 192.0.2.12", "vips: 192.0.2.10/24")
	service := append(slices.Clone(pair), "service1.address: 192.0.2.10:80")
	servers := append(slices.Clone(service), "service1.servers: 192.0.2.21")
	two := []string{"network1.card: eth0", "network1.address: 192.0.2.11/24", "network2: yes"}
	for _, c := range []struct {
		key         string
		before      []string
		text        string
		want        string // canonical
		wantProblem string
	}{
		{"hostname", nil, "LB1.Example.com", "lb1.example.com", ""},
		{"hostname", nil, "  lb2\t", "lb2", ""},
		{"hostname", nil, "lb_1", "", "letters, digits, hyphens"},
		{"hostname", nil, "-lb", "", "letters, digits, hyphens"},
		{"hostname", nil, "a..b", "", "letters, digits, hyphens"},
		{"hostname", nil, strings.Repeat("a", 65), "", "at most 64"},
		{"hostname", nil, strings.Repeat("a", 5000), "", "too long"},
		{"hostname", nil, "lb1\x00", "", "does not belong here"},
		{"hostname", nil, "lb1\x7f", "", "does not belong here"},
		{"hostname", nil, "\x1b[A", "", "cursor or function key"},
		{"hostname", nil, "\xff\xfe", "", "UTF-8"},
		{"hostname", nil, `lb"1`, "", "letters, digits, hyphens"},
		{"hostname", nil, "${x}", "", "letters, digits, hyphens"},
		{"network1.bond", nil, "3", "802.3ad", ""},
		{"network1.bond", nil, "4", "", "none of the choices"},
		{"network1.card", nil, "eth9", "eth9", ""},
		{"network1.card", nil, "2", "eth1", ""},
		{"network1.card", nil, "et/h", "", "up to 15"},
		{"network1.card", nil, "..", "", "up to 15"},
		{"network1.card", nil, "abcdefghijklmnop", "", "up to 15"},
		{"network1.card", nil, "auto", "", "found by its cable"},
		{"network1.card2", []string{"network1.bond: active-backup", "network1.card: eth0"}, "eth0", "", "in use already"},
		{"network1.vlan", box, "4095", "", "1 to 4094"},
		{"network1.vlan", box, "0", "", "1 to 4094"},
		{"network1.vlan", box, "x", "", "1 to 4094"},
		{"network1.vlan", box, "0010", "10", ""},
		{"network1.address", box, "", "", "an answer is needed"},
		{"network1.address", box, "192.0.2.11", "", `"192.0.2.11/24"`},
		{"network1.address", box, "192.0.2.11/255.255.255.0", "", "a length here"},
		{"network1.address", box, "192.0.2.11/33", "", "1 to 32"},
		{"network1.address", box, "192.0.2.11/0", "", "1 to 32"},
		{"network1.address", box, "192.0.2.0/24", "", "the network itself"},
		{"network1.address", box, "192.0.2.255/24", "", "broadcast"},
		{"network1.address", box, "192.0.2.0/31", "192.0.2.0/31", ""},
		{"network1.address", box, "127.0.0.1/8", "", "never leaves"},
		{"network1.address", box, "224.0.0.1/24", "", "not the address of one host"},
		{"network1.address", box, "0.0.0.0/8", "", "not the address of one host"},
		{"network1.address", box, "192.168.12/24", "", "no address"},
		{"network1.address", box, "192.0.2.011/24", "", "no address"},
		{"network1.address", box, "2001:DB8:0::11/64", "2001:db8::11/64", ""},
		{"network1.address", box, "2001:db8::/64", "", "the network itself"},
		{"network1.address", box, "fe80::1%eth0/64", "", "zone"},
		{"network1.address", box, "::ffff:192.0.2.1/96", "", `"192.0.2.1/24"`},
		{"network1.gateway", box, "192.0.2.11", "", "own address"},
		{"network1.gateway", box, "192.0.3.1", "", "not in the network"},
		{"network1.gateway", box, "192.0.2.1/24", "", "plain address"},
		{"network1.gateway", box, "NONE", "none", ""},
		{"nameservers", box, "192.0.2.1,192.0.2.2", "192.0.2.1 192.0.2.2", ""},
		{"nameservers", box, "192.0.2.1 192.0.2.1", "", "twice"},
		{"nameservers", box, ",,", "", "at least one"},
		{"network2.vlan", append(two, "network2.card: eth0"), "none", "none", ""},
		{"network2.vlan.other", append(two, "network2.card: eth0"), "none", "", "1 to 4094"},
		{"network2.vlan", append(two, "network1.vlan: 7", "network2.card: eth0"), "7", "", "leads to the clients"},
		{"network2.card", append(two, "network1.bond: 802.3ad", "network1.card2: eth1"), "eth1", "", "in use"},
		{"network2.address", append(two, "network2.card: eth1"), "192.0.2.99/25", "", "in the network to the clients"},
		{"password", box, "1234567", "", "at least 8"},
		{"password", box, "        ", "        ", ""},
		{"password", box, strings.Repeat("x", 73), "", "at most 72"},
		{"password", box, "with\ttab", "", "tabulator"},
		{"password.again", box, "correct house", "", "not the same"},
		{"ssh_key", box, "ssh-ed25519 AAAA", "", "public key"},
		{"ssh_key", box, "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGPkbYcQmzVbQVbLWDkBcXrqbZXrH4yBmtZ7tSJpqcbr", "", "public key"},
		{"ssh_key", box, "-----BEGIN OPENSSH PRIVATE KEY-----", "", "private key"},
		{"ntp", box, "ntp.example.com 192.0.2.1", "ntp.example.com 192.0.2.1", ""},
		{"ntp", box, "1.2.3", "", "neither an address nor"},
		{"pair.code", append(slices.Clone(box), "pair: second"), "192.168.12.11/0000-1111-2222-333k", "192.168.12.11/0000-1111-2222-333K", ""},
		{"pair.code", append(slices.Clone(box), "pair: second"), "192.168.12.11/0000-1111-2222-333Z", "", "wrong"},
		{"pair.peer", pair, "192.0.2.11", "", "own address"},
		{"vips", pair, "192.0.2.11/24", "", "own address"},
		{"vips", pair, "192.0.2.12/24", "", "other director's"},
		{"vips", pair, "192.0.2.1/24", "", "the gateway"},
		{"vips", pair, "2001:db8::1/64", "", "of that family"},
		{"vips", pair, "none", "", "no address"},
		{"vips", pair, "192.0.2.10/24, 192.0.2.10/24", "", "twice"},
		{"vrid", pair, "256", "", "1 to 255"},
		{"service1.name", pair, "7web", "", "letter first"},
		{"service1.name", pair, `x" {`, "", "letter first"},
		{"service1.address", pair, "192.0.2.10", "", `"192.0.2.10:80"`},
		{"service1.address", pair, "192.0.2.10:0", "", "1 to 65535"},
		{"service1.address", pair, "192.0.2.10:http", "", "1 to 65535"},
		{"service1.address", pair, "192.0.2.99:80", "", "no address of this director"},
		{"service1.address", pair, "[192.0.2.10]:80", "192.0.2.10:80", ""},
		{"service1.servers", service, "192.0.2.21", "192.0.2.21:80", ""},
		{"service1.servers", service, "192.0.2.21:8080", "", "choose nat"},
		{"service1.servers", service, "192.0.2.10", "", "address of the director"},
		{"service1.servers", service, "2001:db8::1", "", "different families"},
		{"service1.servers", service, "192.0.2.21 192.0.2.21:80", "", "twice"},
		{"service1.persistence", servers, "600", "", "with its unit"},
		{"service1.persistence", servers, "1.5s", "", "whole seconds"},
		{"service1.persistence", servers, "90m", "1h30m", ""},
		{"service1.persistence", servers, "3600s", "1h", ""},
		{"mail.to", servers, "Ops <ops@example.com>", "", "no mail address"},
		{"mail.server", append(servers, "mail.to: a@b.c"), "mail:99999", "", "1 to 65535"},
		{"mail.server", append(servers, "mail.to: a@b.c"), "2001:db8::1", "[2001:db8::1]:25", ""},
	} {
		s := at(t, c.key, machine, c.before...)
		err := s.Answer(c.text)
		switch {
		case c.wantProblem == "" && err != nil:
			t.Errorf("%s: %.50q is refused: %v", c.key, c.text, err)
		case c.wantProblem == "" && s.Answers()[c.key] != c.want:
			t.Errorf("%s: %.50q is %q, want %q", c.key, c.text, s.Answers()[c.key], c.want)
		case c.wantProblem != "" && (err == nil || !strings.Contains(err.Error(), c.wantProblem)):
			t.Errorf("%s: %.50q: got %v, want it to say %q", c.key, c.text, err, c.wantProblem)
		}
		if q, _ := s.Question(); c.wantProblem != "" && q.Key != c.key {
			t.Errorf("%s: after a refused answer, %s is asked", c.key, q.Key)
		}
	}
}

func TestBackGoesToTheQuestionBeforeWithItsAnswerAsTheDefault(t *testing.T) {
	s := at(t, "pair", Machine{}, "hostname: lb7", "network1.card: eth0")
	for _, want := range []struct{ key, preset string }{{"network2", "no"}, {"network1.card", "eth0"}, {"hostname", "lb7"}} {
		if !s.Back() {
			t.Fatal("there is no way back")
		}
		if q, _ := s.Question(); q.Key != want.key || q.Default != want.preset {
			t.Errorf("got %s [%s], want %s [%s]", q.Key, q.Default, want.key, want.preset)
		}
	}
	if s.Back() {
		t.Error("there is a question before the first")
	}
}

func TestAnAnswerThatIsNoLongerAskedForIsForgotten(t *testing.T) {
	s := at(t, "network2.card", Machine{}, "network1.card: eth0", "network2: yes")
	if err := s.Answer("eth1"); err != nil {
		t.Fatal(err)
	}
	s.Back()
	s.Back()
	if err := s.Answer("no"); err != nil {
		t.Fatal(err)
	}
	if card, ok := s.Answers()["network2.card"]; ok {
		t.Errorf("there is a second network on %s", card)
	}
}

// FuzzWhateverIsAnsweredTheWizardGoesOn answers with the lines of a text.
func FuzzWhateverIsAnsweredTheWizardGoesOn(f *testing.F) {
	f.Add(true, "lb1\n\n192.0.2.11/24\n<\n\n")
	f.Add(false, "lb1\neth0\n\nfirst\n\n192.0.2.10/24\n\n\nweb\n\n\n\n192.0.2.21 192.0.2.22\n\n\n\n\n\n\n\n")
	f.Fuzz(func(t *testing.T, isBox bool, text string) {
		s := NewSession(Machine{Box: isBox, Cards: []Card{{Name: "eth0"}, {Name: "eth1"}}})
		for line := range strings.SplitSeq(text, "\n") {
			q, ok := s.Question()
			switch {
			case !ok:
				if _, err := s.Files(); err != nil {
					t.Fatal(err)
				}
				return
			case line == "<":
				s.Back()
				continue
			}
			if err := s.Answer(line); err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("%s: the complaint about %q would spoil a terminal: %q", q.Key, line, err)
			}
		}
	})
}

func TestTheKeysOfAllQuestionsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/appliance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range questions() {
		if n := strings.TrimPrefix(e.key, "service"); n != e.key && n[0] != '1' {
			continue // as those of the first
		}
		if row := "| `" + e.key + "` | " + e.text + " |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/appliance.md does not have\n%s", row)
		}
	}
}
