package main

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/wizard"
	"github.com/evenkeel/evenkeel/hcl/config"
)

// command runs a command of evenkeel in this process.
func command(t *testing.T, out io.Writer, args ...string) error {
	t.Helper()
	c := newRoot()
	c.SetArgs(args)
	c.SetOut(out)
	c.SetErr(out)
	return c.ExecuteContext(t.Context())
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheSecondOfAPairIsSetUpWithOneCodeOfTheFirst(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "lb1"), filepath.Join(dir, "lb2")
	answers := filepath.Join(dir, "answers")
	write(t, answers, "hostname: lb1\nnetwork1.card: eth0\nnetwork2: no\npair: first\npair.peer: 192.0.2.12\nvips: 192.0.2.10/24\nservice1.servers: 192.0.2.21\n")
	if err := command(t, io.Discard, "wizard", "--answers", answers, "--output", first); err != nil {
		t.Fatal(err)
	}

	shown, screen := io.Pipe()
	done := make(chan error)
	go func() {
		err := command(t, screen, "pair", first, "--address", "127.0.0.1")
		screen.Close()
		done <- err
	}()
	var seen bytes.Buffer
	code := ""
	for b := make([]byte, 1024); code == ""; {
		n, err := shown.Read(b)
		if err != nil {
			t.Fatalf("no code was shown: %v\n%s%v", err, seen.String(), <-done)
		}
		seen.Write(b[:n])
		code = regexp.MustCompile(`127\.0\.0\.1/[0-9A-Z-]+`).FindString(seen.String())
	}
	rest := make(chan string)
	go func() {
		b, _ := io.ReadAll(shown) // ends with the command
		rest <- string(b)
	}()

	write(t, answers, "hostname: lb2\nnetwork1.card: ens18\nnetwork2: no\npair: second\npair.code: "+code+"\n")
	if err := command(t, io.Discard, "wizard", "--answers", answers, "--output", second); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := <-rest; !strings.Contains(got, `"lb2" at 127.0.0.1 has fetched it`) {
		t.Errorf("the first says %q", got)
	}
	read := func(path ...string) string {
		b, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if read(first, wizard.SharedFile) != read(second, wizard.SharedFile) {
		t.Error("the shared parts are different")
	}
	for _, want := range []string{"priority = 50", `outside  = "ens18"`, `name = "lb2"`} {
		if box := read(second, wizard.BoxFile); !strings.Contains(box, want) {
			t.Errorf("the second's own part does not have %q:\n%s", want, box)
		}
	}
	if err := command(t, io.Discard, "validate", second); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotReadyToBeSharedIsSaid(t *testing.T) {
	dir := t.TempDir()
	if err := command(t, io.Discard, "pair", dir, "--address", "127.0.0.1"); err == nil || !strings.Contains(err.Error(), "has no shared.hcl") {
		t.Errorf("got %v", err)
	}
	if err := command(t, io.Discard, "join", "nonsense", "--output", dir); err == nil || !strings.Contains(err.Error(), "a code begins with") {
		t.Errorf("got %v", err)
	}
}

func TestTheAddressInTheCodeIsTheFirstThatTheBoxWasGiven(t *testing.T) {
	interfaces := []config.ApplianceInterface{
		{Name: "eth0"}, // a VLAN's card
		{Name: "eth0.5", Addresses: []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("192.0.2.11/24")}},
		{Name: "eth1", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}},
	}
	got, err := ownAddress(&config.Appliance{Interfaces: interfaces})
	if want := netip.MustParseAddr("192.0.2.11"); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
