package address

import (
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// A box is a namespace with eth0 (192.0.2.11/24, 2001:db8::11/64), joined to nobody in particular, and a kernel open in it.
type box struct {
	*netspace.Space
	t      *testing.T
	kernel *Kernel
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{Space: netspace.New(t), t: t}
	netspace.Join(b.Space, "eth0", []string{"192.0.2.11/24", "2001:db8::11/64"}, netspace.New(t), "peer", nil)
	b.Do(func() (err error) {
		b.kernel, err = Open()
		return err
	})
	t.Cleanup(func() { b.kernel.Close() })
	return b
}

// ip runs ip(8), the witness, and returns what it says in one line each.
func (b *box) ip(arguments ...string) string {
	b.t.Helper()
	var out []byte
	err := b.Try(func() (err error) {
		out, err = exec.Command("ip", arguments...).CombinedOutput()
		return err
	})
	if err != nil {
		b.t.Fatalf("ip %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return string(out)
}

// shows says whether eth0 has an address, and returns its line.
func (b *box) shows(address string) (string, bool) {
	b.t.Helper()
	for line := range strings.Lines(b.ip("-oneline", "address", "show")) {
		if fields := strings.Fields(line); slices.Contains(fields, address) {
			return strings.Join(fields[1:], " "), true
		}
	}
	return "", false
}

func (b *box) set(addresses []Address, routes ...Route) *Set {
	b.t.Helper()
	s, err := b.kernel.NewSet(addresses, routes)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// on makes addresses of eth0.
func on(prefixes ...string) (list []Address) {
	for _, p := range prefixes {
		list = append(list, Address{Prefix: netip.MustParsePrefix(p), Interface: "eth0"})
	}
	return list
}

// said compares changes with the lines that a log would have.
func (b *box) said(changes []Change, want ...string) {
	b.t.Helper()
	var got []string
	for _, c := range changes {
		got = append(got, c.String())
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("changes:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// contains says that a line of the witness has words, and has not those that begin with "!".
func (b *box) contains(line string, words ...string) {
	b.t.Helper()
	for _, w := range words {
		not, want := strings.CutPrefix(w, "!")
		if want {
			w = not
		}
		if strings.Contains(line, w) == want {
			b.t.Errorf("%q: contains %q is %v", strings.TrimSpace(line), w, want)
		}
	}
}

func TestNSAddressesAreAddedAsTheyShouldBeAndRemoved(t *testing.T) {
	b := newBox(t)
	addresses := on("192.0.2.1/24", "203.0.113.1/32", "2001:db8::1/64")
	addresses = append(addresses,
		Address{Prefix: netip.MustParsePrefix("192.0.2.2/24"), Interface: "eth0", Label: "eth0:vip", Broadcast: netip.MustParseAddr("192.0.2.255")},
		Address{Prefix: netip.MustParsePrefix("10.9.0.1/32"), Interface: "eth0", Peer: netip.MustParseAddr("10.9.0.2")},
		Address{Prefix: netip.MustParsePrefix("198.51.100.1/24"), Interface: "eth0", Scope: 253, NoPrefixRoute: true},
	)
	s := b.set(addresses)
	b.said(s.Add(), "added 192.0.2.1/24 on eth0", "added 203.0.113.1/32 on eth0", "added 2001:db8::1/64 on eth0",
		"added 192.0.2.2/24 on eth0", "added 10.9.0.1 peer 10.9.0.2/32 on eth0", "added 198.51.100.1/24 on eth0")
	for address, words := range map[string][]string{
		"192.0.2.1/24":    {"scope global", "secondary"},
		"203.0.113.1/32":  {"scope global", "!secondary"},
		"2001:db8::1/64":  {"nodad", "deprecated", "!tentative", "preferred_lft 0sec", "valid_lft forever"},
		"192.0.2.2/24":    {"brd 192.0.2.255", "eth0:vip"},
		"10.9.0.1":        {"peer 10.9.0.2/32"},
		"198.51.100.1/24": {"scope link", "noprefixroute"},
	} {
		line, ok := b.shows(address)
		if !ok {
			t.Errorf("%s is not there", address)
		}
		b.contains(line, words...)
	}
	if held, of, err := s.Held(); held != 6 || of != 6 || err != nil {
		t.Errorf("held %d of %d, %v; want 6 of 6", held, of, err)
	}
	b.said(s.Remove(), "removed 192.0.2.1/24 on eth0", "removed 203.0.113.1/32 on eth0", "removed 2001:db8::1/64 on eth0",
		"removed 192.0.2.2/24 on eth0", "removed 10.9.0.1 peer 10.9.0.2/32 on eth0", "removed 198.51.100.1/24 on eth0")
	b.said(s.Remove()) // nothing
	if _, ok := b.shows("192.0.2.11/24"); !ok {
		t.Error("the interface's own address went too")
	}
}

func words(s string) []string { return strings.Fields(s) }
