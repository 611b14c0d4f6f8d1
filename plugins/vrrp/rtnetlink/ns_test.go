package rtnetlink

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// dial opens a socket in a new namespace.
func dial(t *testing.T) (*netspace.Space, *Conn) {
	t.Helper()
	s := netspace.New(t)
	var c *Conn
	s.Do(func() (err error) {
		c, err = Dial()
		return err
	})
	t.Cleanup(func() { c.Close() })
	return s, c
}

const loopback = 1 // its index in every namespace

func TestNSEveryRequestOfABatchHasAnAnswerOfItsOwn(t *testing.T) {
	_, c := dial(t)
	var b Batch
	const n = 3*atOnce + 7
	for i := range n {
		a := Address{Index: loopback, Local: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i / 200), byte(i % 200)}), 32)}
		if i%10 == 3 {
			a.Index = 999
		}
		b.Append(a.Add(Create))
	}
	for again := range 2 {
		if err := c.Execute(&b); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			var want error
			switch {
			case i%10 == 3:
				want = unix.ENODEV
			case again > 0:
				want = unix.EEXIST
			}
			if got := b.Answer(i); !errors.Is(got, want) || (got == nil) != (want == nil) {
				t.Errorf("request %d, time %d: %v, want %v", i, again, got, want)
			}
		}
	}
	all, err := c.Addresses(unix.AF_INET)
	if want := n - n/10 - 1 + 1; len(all) != want || err != nil { // every tenth is not there, 127.0.0.1 is
		t.Errorf("%d addresses, %v; want %d", len(all), err, want)
	}
}

func TestNSABrokenRequestIsAnErrorAndTheSocketStillWorks(t *testing.T) {
	_, c := dial(t)
	if _, err := c.Get(unix.RTM_GETNETCONF, []byte{99, 0, 0, 0}); err == nil {
		t.Error("a family that does not exist has settings")
	}
	if links, err := c.Links(); len(links) == 0 || err != nil {
		t.Errorf("%v, %v afterwards", links, err)
	}
}

func TestNSAThousandRoutesAreReadAndOursAreFoundAmongThem(t *testing.T) {
	_, c := dial(t)
	var b Batch
	for i := range 1000 {
		r := Route{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), 0}), 24), Index: loopback, Scope: unix.RT_SCOPE_LINK, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_STATIC}
		if i == 500 {
			r.Protocol, r.Table = Mark, 77
		}
		b.Append(r.Add(Create))
	}
	if err := c.Execute(&b); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct {
		protocol uint8
		table    uint32
		want     int
	}{{Mark, 0, 1}, {0, 77, 1}, {Mark, unix.RT_TABLE_MAIN, 0}, {unix.RTPROT_STATIC, unix.RT_TABLE_MAIN, 999}} {
		all, err := c.Routes(unix.AF_INET, ask.protocol, ask.table)
		if len(all) != ask.want || err != nil {
			t.Errorf("%d routes of protocol %d in table %d, %v; want %d", len(all), ask.protocol, ask.table, err, ask.want)
		}
	}
}

func TestNSNobodyButTheKernelIsHeard(t *testing.T) {
	s, c := dial(t)
	s.Do(func() error {
		changes, err := Subscribe()
		if err != nil {
			return err
		}
		defer changes.Close()
		for _, fd := range []int{c.fd, changes.FD()} {
			to, err := unix.Getsockname(fd)
			if err != nil {
				return err
			}
			liar, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer unix.Close(liar)
			if err := unix.Sendto(liar, DeleteLink(loopback).data, 0, to); err != unix.ECONNREFUSED {
				return fmt.Errorf("another process's message: %v, want it refused", err)
			}
		}
		if err := changes.Read(func(Message) { t.Error("heard something") }); err != unix.EAGAIN {
			return fmt.Errorf("nothing to read is %v, want EAGAIN", err)
		}
		return nil
	})
}

func TestNSSettingsAreReadAsTheyAre(t *testing.T) {
	s, c := dial(t)
	s.Sysctl("net/ipv4/conf/all/rp_filter", "2")
	s.Sysctl("net/ipv4/conf/lo/forwarding", "1")
	if got, err := c.Configuration(unix.AF_INET, Everywhere); got != (Configuration{RPFilter: 2}) || err != nil {
		t.Errorf("everywhere: %+v, %v", got, err)
	}
	if got, err := c.Configuration(unix.AF_INET, loopback); !got.Forwarding || err != nil {
		t.Errorf("lo: %+v, %v", got, err)
	}
}
