// Package netspace makes network namespaces for tests: each has a thread of its own, and veth pairs join them. They have no
// names and are gone with the test.
package netspace

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Space is a network namespace.
type Space struct {
	t    testing.TB
	fd   netns.NsHandle
	work chan func()
}

// New returns a namespace with its loopback up. A test that is not root's is skipped.
func New(t testing.TB) *Space {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("makes network namespaces, which takes root")
	}
	s := &Space{t: t, work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- err
			return
		}
		var err error
		s.fd, err = netns.Get()
		made <- err
		for f := range s.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() { close(s.work); s.fd.Close() })
	s.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	s.Sysctl("net/ipv6/conf/default/accept_dad", "0") // addresses are there at once
	return s
}

// Do calls f in the namespace and fails the test when it returns an error.
func (s *Space) Do(f func() error) {
	s.t.Helper()
	if err := s.Try(f); err != nil {
		s.t.Fatal(err)
	}
}

// Try calls f in the namespace. What f starts in other goroutines is elsewhere; sockets stay where they were opened.
func (s *Space) Try(f func() error) error {
	done := make(chan error, 1)
	s.work <- func() { done <- f() }
	return <-done
}

// Enter puts the calling thread into the namespace, for code that has a thread of its own; the thread must be locked, and
// end with its goroutine.
func (s *Space) Enter() error { return unix.Setns(int(s.fd), unix.CLONE_NEWNET) }

// Join puts a veth pair between two namespaces, with the given addresses ("10.0.0.1/24") at its ends.
func Join(a *Space, aName string, aAddresses []string, b *Space, bName string, bAddresses []string) {
	a.t.Helper()
	a.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = aName
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: bName, PeerNamespace: netlink.NsFd(b.fd)})
	})
	a.up(aName, aAddresses)
	b.up(bName, bAddresses)
}

func (s *Space) up(name string, addresses []string) {
	s.t.Helper()
	s.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			addr, err := netlink.ParseAddr(a)
			if err != nil {
				return err
			}
			addr.Flags = unix.IFA_F_NODAD
			if err := netlink.AddrAdd(link, addr); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(link)
	})
}

// Default adds a default route of the gateway's family, over the interface or the gateway.
func (s *Space) Default(name string, gateway netip.Addr) {
	s.t.Helper()
	s.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		all := &net.IPNet{IP: make(net.IP, gateway.BitLen()/8), Mask: make(net.IPMask, gateway.BitLen()/8)}
		r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: all, Gw: gateway.AsSlice()}
		if gateway.IsUnspecified() {
			r.Gw, r.Scope = nil, netlink.SCOPE_LINK
		}
		return netlink.RouteAdd(r)
	})
}

// Sysctl sets a kernel parameter, "net/ipv4/ip_forward": those of the network are the calling thread's namespace's own.
func (s *Space) Sysctl(name, value string) {
	s.t.Helper()
	s.Do(func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0o644) })
}

// Give moves an interface of another namespace into this one. It is called in that one.
func (s *Space) Give(l netlink.Link) error { return netlink.LinkSetNsFd(l, int(s.fd)) }
