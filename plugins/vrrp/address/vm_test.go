package address

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// needIPVS skips a test on a kernel that is not a virtual machine's with ip_vs, or has no nftables of family inet.
func needIPVS(t *testing.T) {
	t.Helper()
	if os.Getenv("EVENKEEL_IN_VM") == "" {
		t.Skip("needs ip_vs and ipvsadm: runs in a virtual machine, where EVENKEEL_IN_VM is set")
	}
	err := netspace.New(t).Try(func() error {
		_, err := NewRefusal().Apply([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
		return err
	})
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	switch {
	case errors.Is(err, ErrNoInet) && strings.Contains(string(cpu), "User Mode Linux"):
		t.Skip("Debian's User Mode Linux has nf_tables without the family inet: runs in a virtual machine of QEMU")
	case err != nil:
		t.Fatal(err)
	}
}

// A balanced network is a client, a director and a real server, which answers on port 8080 and whose way back is over the
// director:
//
//	client 10.1.0.2 -- 10.1.0.1 director 10.2.0.1 -- 10.2.0.2 real server
//
// and likewise 2001:db8:N::1 and ::2. The director holds the VIPs 10.1.0.100 and 2001:db8:1::100, balances port 80 of them
// and listens itself on port 22.
func balanced(t *testing.T) (client, director *netspace.Space, vips [2]string) {
	t.Helper()
	client, director = netspace.New(t), netspace.New(t)
	server := netspace.New(t)
	netspace.Join(client, "eth0", []string{"10.1.0.2/24", "2001:db8:1::2/64"}, director, "front", []string{"10.1.0.1/24", "2001:db8:1::1/64"})
	netspace.Join(server, "eth0", []string{"10.2.0.2/24", "2001:db8:2::2/64"}, director, "back", []string{"10.2.0.1/24", "2001:db8:2::1/64"})
	server.Default("eth0", netip.MustParseAddr("10.2.0.1"))
	server.Default("eth0", netip.MustParseAddr("2001:db8:2::1"))
	director.Sysctl("net/ipv4/ip_forward", "1")
	director.Sysctl("net/ipv6/conf/all/forwarding", "1")
	listen(t, server, 8080)
	listen(t, director, 22)
	vips = [2]string{"10.1.0.100", "2001:db8:1::100"}
	director.Do(func() error {
		k, err := Open()
		if err != nil {
			return err
		}
		t.Cleanup(func() { k.Close() })
		s, err := k.NewSet([]Address{
			{Prefix: netip.MustParsePrefix(vips[0] + "/24"), Interface: "front"},
			{Prefix: netip.MustParsePrefix(vips[1] + "/64"), Interface: "front"},
		}, nil)
		if err != nil {
			return err
		}
		for _, c := range s.Add() {
			if c.Err != nil {
				return c.Err
			}
		}
		for i, real := range []string{"10.2.0.2:8080", "[2001:db8:2::2]:8080"} {
			service := net.JoinHostPort(vips[i], "80")
			for _, arguments := range [][]string{{"-A", "-t", service, "-s", "rr"}, {"-a", "-t", service, "-r", real, "-m"}} {
				if out, err := exec.Command("ipvsadm", arguments...).CombinedOutput(); err != nil {
					return fmt.Errorf("ipvsadm %q: %w: %s", arguments, err, out)
				}
			}
		}
		return nil
	})
	return client, director, vips
}

func listen(t *testing.T, s *netspace.Space, port int) {
	t.Helper()
	s.Do(func() error {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
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
				c.Close()
			}
		}()
		return nil
	})
}

func TestVMARefusedAddressStillBalancesItsService(t *testing.T) {
	needIPVS(t)
	client, director, vips := balanced(t)
	answers := func(vip, port string, patience time.Duration) bool {
		return client.Try(func() error {
			c, err := net.DialTimeout("tcp", net.JoinHostPort(vip, port), patience)
			if err == nil {
				c.Close()
			}
			return err
		}) == nil
	}
	for _, vip := range vips {
		for _, port := range []string{"80", "22"} {
			if !answers(vip, port, 5*time.Second) {
				t.Errorf("%s port %s does not answer before anything is refused", vip, port)
			}
		}
	}
	director.Do(func() error {
		_, err := NewRefusal().Apply([]netip.Addr{netip.MustParseAddr(vips[0]), netip.MustParseAddr(vips[1])})
		return err
	})
	for _, vip := range vips {
		if !answers(vip, "80", 5*time.Second) {
			t.Errorf("the service of %s does not answer", vip)
		}
		if answers(vip, "22", time.Second) {
			t.Errorf("%s accepts", vip)
		}
	}
	if !answers("10.1.0.1", "22", 5*time.Second) {
		t.Error("the director's own address does not accept any more")
	}
}
