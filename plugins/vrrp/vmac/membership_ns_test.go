package vmac

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/address"
)

func TestNSAMasterThatLeavesSaysNothingMoreFromTheVirtualHardwareAddress(t *testing.T) {
	p := newPair(t)
	p.director.Sysctl("net/ipv6/conf/default/forwarding", "1") // a router is in one group more
	var c *packet.Conn
	p.client.Do(func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		c, err = packet.Listen(i, packet.Raw, unix.ETH_P_ALL, nil)
		return err
	})
	defer c.Close()
	// said counts the MLD reports that arrive, and those of them from the virtual hardware address.
	said := func(during time.Duration) (reports, virtual int) {
		c.SetReadDeadline(time.Now().Add(during))
		for b := make([]byte, 2000); ; {
			n, _, err := c.ReadFrom(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return reports, virtual
			}
			if err != nil {
				t.Fatal(err)
			}
			const kind = 14 + 40 + 8 // behind Ethernet, IPv6 and its hop-by-hop options
			if n > kind && b[12] == 0x86 && b[13] == 0xdd && b[20] == 0 && b[kind] == 143 {
				reports++
				if Hardware(51, true) == [6]byte(b[6:]) {
					virtual++
				}
			}
		}
	}
	p.ensure(Router{ID: 51, V6: true, Over: "eth0"})
	var s *address.Set
	p.director.Do(func() error {
		k, err := address.Open()
		if err != nil {
			return err
		}
		t.Cleanup(func() { k.Close() })
		s, err = k.NewSet([]address.Address{{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Interface: "vrrp6.51", Metric: Metric}}, nil)
		return err
	})
	p.ensure(Router{ID: 51, V6: true, Over: "eth0"}) // that it is there already makes no difference
	s.Add()
	said(1500 * time.Millisecond)
	s.Remove()
	if reports, virtual := said(1500 * time.Millisecond); reports == 0 || virtual != 0 {
		t.Errorf("%d reports of membership, %d of them from the virtual hardware address; want some, and none", reports, virtual)
	}
	p.sweep()
	p.director.Do(func() error {
		tables, err := (&nftables.Conn{}).ListTables()
		if len(tables) != 0 {
			t.Errorf("%d tables are left", len(tables))
		}
		return err
	})
}
