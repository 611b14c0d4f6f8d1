package network

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// hostname gives the box its name: the configured one, or the first that a DHCP server has told.
func (a *applier) hostname() {
	name := a.ap.Hostname
	for _, l := range a.inOrder() {
		if name == "" {
			name = l.Hostname
		}
	}
	if name == "" {
		return
	}
	have, err := os.Hostname()
	if err == nil && have == name {
		return
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		a.problem("", "setting the host name: %v", err)
		return
	}
	a.changed("host name %s", name)
}

// inOrder are the leases in the order of the interfaces.
func (a *applier) inOrder() []Lease {
	var ls []Lease
	for _, i := range a.ap.Interfaces {
		if l, ok := a.leases[i.Name]; ok && i.DHCP {
			ls = append(ls, l)
		}
	}
	return ls
}

// resolver writes resolv.conf(5). Without a name server from anywhere it is left alone.
func (a *applier) resolver(path string) {
	servers, search := a.ap.Nameservers, a.ap.Search
	if len(servers) == 0 {
		for _, l := range a.inOrder() {
			servers = append(servers, l.Nameservers...)
		}
	}
	if len(search) == 0 {
		for _, l := range a.inOrder() {
			search = append(search, l.Search...)
		}
	}
	if path == "" || len(servers) == 0 {
		return
	}
	text := resolvConf(servers, search)
	if b, err := os.ReadFile(path); err == nil && bytes.Equal(b, text) {
		return
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o644)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		a.problem("", "writing the name servers: %v", err)
		return
	}
	a.changed("name servers %s", joined(servers))
}

// resolvConf has at most three servers: a C library reads no more (MAXNS).
func resolvConf(servers []netip.Addr, search []string) []byte {
	var s strings.Builder
	s.WriteString("# written by evenkeel from the appliance block and what DHCP servers say\n")
	if len(search) > 0 {
		fmt.Fprintf(&s, "search %s\n", strings.Join(search, " "))
	}
	var seen []netip.Addr
	for _, addr := range servers {
		if len(seen) < 3 && !slices.Contains(seen, addr) {
			seen = append(seen, addr)
			fmt.Fprintf(&s, "nameserver %s\n", addr)
		}
	}
	return []byte(s.String())
}

func joined(addrs []netip.Addr) string {
	var s []string
	for _, a := range addrs {
		s = append(s, a.String())
	}
	return strings.Join(s, ", ")
}
