package ping

import (
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// open returns a pinger whose sockets are in a namespace.
func openIn(t *testing.T, s *netspace.Space) *pinger {
	t.Helper()
	var p *pinger
	s.Do(func() (err error) {
		p, err = open(listen)
		return err
	})
	t.Cleanup(func() { p.Close() })
	return p
}

// spaces returns a director's namespace and a server's, joined. groups are those that may have a socket without privilege.
func spaces(t *testing.T, groups string) (director, server *netspace.Space) {
	t.Helper()
	director, server = netspace.New(t), netspace.New(t)
	netspace.Join(director, "ping0", []string{"10.78.0.1/24", "fd78::1/64"}, server, "ping1", []string{"10.78.0.2/24", "fd78::2/64"})
	director.Sysctl("net/ipv4/ping_group_range", groups)
	warm := openIn(t, director)
	for _, address := range []string{"10.78.0.2", "fd78::2"} {
		target := at(address)
		target.Schedule.Timeout = 5 * time.Second
		if got := ask(t, warm, target, `{"count":10}`); got != "" { // a link that has just come up loses the first packets
			t.Fatalf("%s: %s", address, got)
		}
	}
	return director, server
}

// kinds of sockets, by the groups that may have one without privilege.
var kinds = map[string]struct {
	groups string
	raw    bool
}{
	"without privilege": {"0 2147483647", false},
	"raw":               {"1 0", true},
}

func TestNSPingsLeaveAsTheirEgressSays(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			director, _ := spaces(t, kind.groups)
			p := openIn(t, director)
			for _, tt := range []struct {
				address string
				egress  sdk.Egress
				want    string
			}{
				{"10.78.0.2", sdk.Egress{Source: netip.MustParseAddr("10.78.0.1"), Interface: "ping0", Mark: 7}, ""},
				{"fd78::2", sdk.Egress{Source: netip.MustParseAddr("fd78::1"), Interface: "ping0", Mark: 7}, ""},
				{"10.78.0.2", sdk.Egress{Source: netip.MustParseAddr("10.78.0.9")}, "source 10.78.0.9: cannot assign requested address"},
				{"10.78.0.2", sdk.Egress{Source: netip.MustParseAddr("127.0.0.1"), Mark: 7}, "sending an echo request to 10.78.0.2: invalid argument"},
				{"10.78.0.2", sdk.Egress{Interface: "ping9"}, "interface ping9: no such device"},
			} {
				target := at(tt.address)
				target.Egress = tt.egress
				for range 2 {
					var got string
					director.Do(func() error { got = ask(t, p, target, `{}`); return nil })
					if got != tt.want {
						t.Errorf("%s by %+v: got %q, want %q", tt.address, tt.egress, got, tt.want)
					}
				}
			}
		})
	}
}

func TestNSTheKernelAnswers(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			director, _ := spaces(t, kind.groups)
			p := openIn(t, director)
			for _, e := range p.echoes {
				if raw := e.conn.(*socket).raw; raw != kind.raw {
					t.Errorf("the socket of %s is raw: %v", e.family, raw)
				}
			}
			for _, address := range []string{"127.0.0.1", "::1", "10.78.0.1", "10.78.0.2", "fd78::2"} {
				for _, config := range []string{`{}`, `{"size":16}`, `{"size":1472,"ttl":1}`, `{"size":9000,"ttl":255}`} {
					if got := ask(t, p, at(address), config); got != "" {
						t.Errorf("%s, %s: %s", address, config, got)
					}
				}
			}
			for address, want := range map[string]string{
				"10.78.0.3":   "no echo reply within 300ms",
				"fd78::3":     "no echo reply within 300ms",
				"203.0.113.1": "sending an echo request to 203.0.113.1: network is unreachable",
				"2001:db8::1": "sending an echo request to 2001:db8::1: network is unreachable",
			} {
				target := at(address)
				target.Schedule.Timeout = 300 * time.Millisecond
				if got := ask(t, p, target, `{}`); got != want {
					t.Errorf("%s: got %q, want %q", address, got, want)
				}
			}
		})
	}
}

func TestNSAServerThatIgnoresEchoRequestsIsDown(t *testing.T) {
	director, server := spaces(t, "1 0")
	p := openIn(t, director)
	server.Sysctl("net/ipv4/icmp_echo_ignore_all", "1")
	if got, want := ask(t, p, at("10.78.0.2"), `{"count":2}`), "no reply to 2 echo requests within 1s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	server.Sysctl("net/ipv4/icmp_echo_ignore_all", "0")
	if got := ask(t, p, at("10.78.0.2"), `{}`); got != "" {
		t.Error(got)
	}
}

func TestNSTheLifeOfARequestEndsWithItsTTL(t *testing.T) {
	director, router := spaces(t, "0 2147483647")
	router.Sysctl("net/ipv4/ip_forward", "1")
	server := netspace.New(t)
	netspace.Join(router, "far0", []string{"10.79.0.1/24"}, server, "far1", []string{"10.79.0.2/24"})
	director.Default("ping0", at("10.78.0.2").Address)
	server.Default("far1", at("10.79.0.1").Address)
	p := openIn(t, director)
	if got := ask(t, p, at("10.79.0.2"), `{"ttl":2,"count":5}`); got != "" {
		t.Error(got)
	}
	if got := ask(t, p, at("10.79.0.2"), `{"ttl":1}`); got == "" {
		t.Error("it is up over a hop too many")
	}
}

func TestNSManyProbesShareTheSocketAndOthersPingToo(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			director, _ := spaces(t, kind.groups)
			one, other := openIn(t, director), openIn(t, director)
			var wg sync.WaitGroup
			for i := range 400 {
				wg.Go(func() {
					p, address := one, "10.78.0.2"
					if i%2 == 1 {
						p = other
					}
					if i%4 > 1 {
						address = "fd78::2"
					}
					target := at(address)
					target.Schedule.Timeout = 5 * time.Second
					if got := ask(t, p, target, `{}`); got != "" {
						t.Errorf("%s: %s", address, got)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestNSWithoutGroupAndCapabilityTheSocketIsRefused(t *testing.T) {
	s := netspace.New(t)
	s.Sysctl("net/ipv4/ping_group_range", "1 0")
	s.Do(func() error { // in a thread that ends with the test
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil {
			return err
		}
		data[0].Effective &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&header, &data[0]); err != nil {
			return err
		}
		_, err := open(listen)
		want := "opening an ICMP socket of IPv4, which takes CAP_NET_RAW or a group within net.ipv4.ping_group_range: operation not permitted"
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
		if !errors.Is(err, syscall.EPERM) {
			t.Error("it is not EPERM")
		}
		return nil
	})
}
