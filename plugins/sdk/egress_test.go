package sdk

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// A crossing is a director with two addresses and a server, which listens on TCP and UDP and tells who has come. The
// server's address 10.79.9.9 is known to packets with the mark 7 only.
type crossing struct {
	director *netspace.Space
	seen     chan netip.Addr
}

func newCrossing(t *testing.T) *crossing {
	t.Helper()
	x := &crossing{netspace.New(t), make(chan netip.Addr, 1)}
	server := netspace.New(t)
	netspace.Join(x.director, "eg0", []string{"10.79.0.1/24", "10.79.0.3/24"}, server, "eg1", []string{"10.79.0.2/24", "10.79.9.9/32"})
	x.director.Do(func() error {
		rule := netlink.NewRule()
		rule.Mark, rule.Table, rule.Family = 7, 99, netlink.FAMILY_V4
		if err := netlink.RuleAdd(rule); err != nil {
			return err
		}
		link, err := netlink.LinkByName("eg0")
		if err != nil {
			return err
		}
		host := &net.IPNet{IP: net.IPv4(10, 79, 9, 9), Mask: net.CIDRMask(32, 32)}
		return netlink.RouteAdd(&netlink.Route{Table: 99, Dst: host, LinkIndex: link.Attrs().Index, Gw: net.IPv4(10, 79, 0, 2)})
	})
	server.Do(func() error {
		l, err := net.Listen("tcp", ":80")
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				x.seen <- netip.MustParseAddrPort(c.RemoteAddr().String()).Addr().Unmap()
				c.Close()
			}
		}()
		p, err := net.ListenPacket("udp", "10.79.9.9:80")
		if err != nil {
			return err
		}
		t.Cleanup(func() { p.Close() })
		go func() {
			b := make([]byte, 10)
			for {
				n, from, err := p.ReadFrom(b)
				if err != nil {
					return
				}
				p.WriteTo(b[:n], from)
			}
		}()
		return nil
	})
	return x
}

// dial connects and returns where the server says the connection came from, or the error.
func (x *crossing) dial(t *testing.T, to string, e Egress) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := x.director.Try(func() error {
		c, err := Dial(ctx, Target{Address: netip.MustParseAddr(to), Port: 80, Egress: e, Schedule: Schedule{Timeout: time.Second}})
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	return (<-x.seen).String()
}

func TestNSProbesLeaveAsTheirEgressSays(t *testing.T) {
	x := newCrossing(t)
	for _, tt := range []struct {
		name, to string
		egress   Egress
		want     string
	}{
		{"as the kernel has it", "10.79.0.2", Egress{}, "10.79.0.1"},
		{"with a source", "10.79.0.2", Egress{Source: netip.MustParseAddr("10.79.0.3")}, "10.79.0.3"},
		{"with one that is not ours", "10.79.0.2", Egress{Source: netip.MustParseAddr("10.79.0.4")}, "source 10.79.0.4: cannot assign requested address"},
		{"without the mark", "10.79.9.9", Egress{}, "connect 10.79.9.9:80: network is unreachable"},
		{"with the mark", "10.79.9.9", Egress{Mark: 7}, "10.79.0.1"},
		{"with another mark", "10.79.9.9", Egress{Mark: 8}, "connect 10.79.9.9:80: network is unreachable"},
		{"by the interface", "10.79.0.2", Egress{Interface: "eg0", Source: netip.MustParseAddr("10.79.0.3")}, "10.79.0.3"},
		{"by another interface", "10.79.0.2", Egress{Interface: "lo"}, "timeout after 1s: connect 10.79.0.2:80"},
		{"by none", "10.79.0.2", Egress{Interface: "eg7"}, "interface eg7: no such device"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := x.dial(t, tt.to, tt.egress); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNSDatagramsLeaveAsTheirEgressSays(t *testing.T) {
	x := newCrossing(t)
	ask := func(to string, e Egress) (local netip.Addr, err error) {
		err = x.director.Try(func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			d, err := DialUDP(ctx, Target{Address: netip.MustParseAddr(to), Port: 80, Egress: e})
			if err != nil {
				return err
			}
			defer d.Close()
			local = d.Local().Addr()
			if err := d.Send([]byte("x")); err != nil {
				return err
			}
			_, err = d.Receive(make([]byte, 1), nil)
			return err
		})
		return local, err
	}
	source := netip.MustParseAddr("10.79.0.3")
	if local, err := ask("10.79.9.9", Egress{Source: source, Mark: 7, Interface: "eg0"}); err != nil || local != source {
		t.Errorf("it came from %s: %v", local, err)
	}
	var egress *EgressError
	if _, err := ask("10.79.0.2", Egress{Interface: "eg7"}); !errors.As(err, &egress) {
		t.Errorf("an interface that is not there: %v", err)
	}
}

func TestAProbeThatMayNotSetAMarkSaysWhatItTakes(t *testing.T) {
	err := &EgressError{"mark 7", syscall.EPERM}
	if want := "mark 7: operation not permitted (it takes CAP_NET_RAW"; !strings.HasPrefix(err.Error(), want) || !errors.Is(err, syscall.EPERM) {
		t.Errorf("it says %q", err)
	}
}

func TestNSASourceTowardSomebodyIsOneThatIsNotTheTarget(t *testing.T) {
	x := newCrossing(t)
	x.director.Do(func() error { // a VIP, in a network where the director has nothing else
		link, err := netlink.LinkByName("eg0")
		if err != nil {
			return err
		}
		return netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 79, 5, 100), Mask: net.CIDRMask(24, 32)}})
	})
	for _, tt := range []struct{ toward, target, want string }{
		{"10.79.0.2", "10.79.5.100", "10.79.0.1"},
		{"10.79.5.7", "10.79.5.100", "source toward 10.79.5.7: the director has no address there but 10.79.5.100 itself: write one as source"},
		{"203.0.113.1", "10.79.5.100", "source toward 203.0.113.1: network is unreachable"},
	} {
		x.director.Do(func() error {
			e, err := Egress{Toward: netip.MustParseAddr(tt.toward), Mark: 7}.Resolve(netip.MustParseAddr(tt.target))
			got := e.Source.String()
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || e.Mark != 7 {
				t.Errorf("toward %s: %q, want %q", tt.toward, got, tt.want)
			}
			return nil
		})
	}
	own := netip.MustParseAddr("10.79.0.3")
	if e, err := (Egress{Source: own, Toward: netip.MustParseAddr("203.0.113.1")}).Resolve(own); err != nil || e.Source != own {
		t.Errorf("with a source of its own: %v, %v", e, err)
	}
}
