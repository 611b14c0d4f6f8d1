package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

func TestTheLanguageTakesWhatTheWizardWrites(t *testing.T) {
	paths, err := filepath.Glob("../../appliance/wizard/testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var files wizard.Files
		for _, f := range a.Files {
			switch f.Name {
			case wizard.BoxFile:
				files.Box = f.Data
			case wizard.SharedFile:
				files.Shared = f.Data
			}
		}
		good(t, path, string(files.Joined()))
	}
}

// Answers of all kinds are tried at random, good ones, bad ones and those that do not fit each other. Whatever the wizard
// takes makes a configuration without errors and warnings.
func TestWhateverTheWizardTakesTheLanguageTakes(t *testing.T) {
	pool := []string{
		"", "", "", "", "", "1", "2", "3", "4", "none", "yes", "no", "eth0", "eth1", "eth2", "static", "dhcp", "first", "second", "nat", "dr", "tun", "fullnat",
		"udp", "tcp", "http", "https", "sh", "mh", "10m", "90s", "0", "65536", "255", "lb1", "web", "a-b_c", "_x", "7web", "-", "192.0.2.11/24",
		"192.0.2.10/24", "192.0.2.10/24 192.0.2.9/32", "192.0.2.1", "192.0.2.12", "10.1.0.1/24", "10.1.0.254/24", "10.1.0.11", "10.1.0.11:8080 10.1.0.12", "192.0.2.10:80",
		"192.0.2.10:443", "0.0.0.0/0", "224.0.0.1/4", "127.0.0.1", "127.0.0.1/8", "fe80::1/64", "fe80::1", "2001:db8::10/64", "2001:db8::11/64", "[2001:db8::10]:80", "2001:db8::21",
		"::", "::ffff:192.0.2.1", "192.0.2.10/33", "192.0.2.10/255.255.255.0", "192.0.2.0/24", "192.0.2.255/24", "255.255.255.255", "169.254.1.1/16", "correct horse",
		"${file(\"/etc/shadow\")}", "%{for}", "\"}\nvirtual_server \"x\" {", "`", "\\", "/\"${x}\"", "/health?a=\"b\"", "/%{if}", "ops@example.com", "o'p${s}s@example.com",
		"\"a b\"@example.com", "mail.example.com", "mail.example.com:25", "[2001:db8::5]:25", strings.Repeat("a", 5000), strings.Repeat("9", 300), "\x00", "\x1b[A", "\xff", "a\u202eb",
		"240.0.0.1/24", "192.0.2.10:0", "192.0.2.10:99999", "10.1.0.11, 10.1.0.11", ",", "2.5s", "24h0m0s", "4094",
	}
	made := map[string]int{}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := wizard.Machine{Hostname: pool[r.IntN(len(pool))], Box: seed%2 == 0, Cards: []wizard.Card{{Name: "eth0", MAC: "52:54:00:00:00:01", Link: true}, {Name: "eth1", Link: r.IntN(2) == 0}, {Name: "eth2"}}[:1+r.IntN(3)]}
		s := wizard.NewSession(m)
		trail := []string{}
		for range 2000 {
			q, ok := s.Question()
			if !ok {
				break
			}
			text := pool[r.IntN(len(pool))]
			if len(q.Choices) > 0 && r.IntN(2) == 0 {
				text = q.Choices[r.IntN(len(q.Choices))].Value
			}
			if strings.HasPrefix(q.Key, "service") && strings.HasSuffix(q.Key, ".address") && r.IntN(2) == 0 {
				a := s.Answers()
				for own := range strings.FieldsSeq(a["vips"] + " " + a["network1.address"] + " " + a["network2.address"]) {
					if p, err := netip.ParsePrefix(own); err == nil {
						text = netip.AddrPortFrom(p.Addr(), uint16(80+r.IntN(100))).String()
					}
				}
			}
			if q.Kind == wizard.Secret {
				text = "correct horse"
			}
			if r.IntN(50) == 0 {
				s.Back()
				continue
			}
			if err := s.Answer(text); err == nil {
				trail = append(trail, fmt.Sprintf("%s: %s", q.Key, text))
			}
		}
		if q, open := s.Question(); open {
			t.Logf("seed %d never got beyond %s", seed, q.Key)
			continue
		}
		files, err := s.Files()
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(trail, "\n"))
		}
		if err := checkFiles(files); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(trail, "\n"))
		}
		for _, word := range []string{"vrrp_instance", "unicast_peers", "virtual_server", "notify", "appliance", "bond {", "vlan {", "persistence", "https", "\"ping\"", "\"fullnat\""} {
			if strings.Contains(string(files.Joined()), word) {
				made[word]++
			}
		}
	}
	t.Log(made)
	for _, word := range []string{"vrrp_instance", "unicast_peers", "virtual_server", "notify", "appliance"} {
		if made[word] < 10 {
			t.Errorf("only %d configurations have %q: the answers are not good enough", made[word], word)
		}
	}
}
