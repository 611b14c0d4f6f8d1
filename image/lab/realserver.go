package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// The virtual addresses of a lab. They are on the first director's eth0 (see Options.NoVIP), and with dr and tun on each
// real server, where nobody asks for them.
const (
	VIP  = "10.77.0.100"
	VIP6 = "fd00:77::100"
)

// A RealServer is a computer that answers every HTTP request on port 80 and every datagram on port 53 with its name.
type RealServer struct {
	Name     string
	Address  netip.Addr // where the director reaches it
	Address6 netip.Addr // the zero Addr with tun
	Node     Node       // a *Host, or with tun a *VM

	agent string // the program evenkeel-lab in the node
	web   *Process
}

func (l *Lab) newRealServer(ctx context.Context, i int) (*RealServer, error) {
	r := &RealServer{Name: fmt.Sprintf("rs%d", i+1), agent: l.options.Agent}
	number := 21 + i
	var err error
	switch l.Mode {
	case NAT:
		err = l.natServer(ctx, r, number)
	case TUN:
		err = l.tunServer(ctx, r, number)
	default:
		err = l.drServer(ctx, r, number)
	}
	if err != nil {
		return nil, fmt.Errorf("real server %s: %w", r.Name, err)
	}
	return r, r.Start(ctx)
}

// drServer has the virtual addresses on its loopback interface and does not answer ARP for them: arp_ignore 1 answers only
// for addresses of the interface asked, arp_announce 2 never names them as the sender. IPv6 needs neither: neighbour
// discovery only knows addresses of the interface.
func (l *Lab) drServer(ctx context.Context, r *RealServer, number int) error {
	r.Address = netip.AddrFrom4([4]byte{10, 77, 0, byte(number)})
	r.Address6 = netip.MustParseAddr(fmt.Sprintf("fd00:77::%d", number))
	h, err := l.fabric.host(ctx, r.Name, Front, r.Address.String()+"/24", r.Address6.String()+"/64")
	if err != nil {
		return err
	}
	r.Node = h
	for _, s := range []string{
		"net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2",
		"net.ipv4.conf.eth0.arp_ignore=1", "net.ipv4.conf.eth0.arp_announce=2",
	} {
		if err := h.ns.sysctl(s); err != nil {
			return err
		}
	}
	if err := h.addAddress(ctx, VIP+"/32", "lo"); err != nil {
		return err
	}
	return h.addAddress(ctx, VIP6+"/128", "lo")
}

// natServer has the first director as its gateway, so that its answers come back there.
func (l *Lab) natServer(ctx context.Context, r *RealServer, number int) error {
	r.Address = netip.AddrFrom4([4]byte{10, 77, 1, byte(number)})
	r.Address6 = netip.MustParseAddr(fmt.Sprintf("fd00:77:1::%d", number))
	h, err := l.fabric.host(ctx, r.Name, Back, r.Address.String()+"/24", r.Address6.String()+"/64")
	if err != nil {
		return err
	}
	r.Node = h
	if err := h.ns.ip(ctx, "route", "add", "default", "via", "10.77.1.1"); err != nil {
		return err
	}
	return h.ns.ip(ctx, "-6", "route", "add", "default", "via", "fd00:77:1::1")
}

// tunServer takes packets out of IP in IP on tunl0. It is a machine, because the host's kernel may have no ipip.
func (l *Lab) tunServer(ctx context.Context, r *RealServer, number int) error {
	r.Address = netip.AddrFrom4([4]byte{10, 77, 0, byte(number)})
	r.agent = "/usr/bin/evenkeel-lab"
	v, err := l.Boot(ctx, VMOptions{
		Name: r.Name, Modules: []string{"ipip"},
		Links: []Link{{Front, []string{r.Address.String() + "/24"}}},
		Setup: `for i in all tunl0 eth0; do
			echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter
			echo 1 >/proc/sys/net/ipv4/conf/$i/arp_ignore
			echo 2 >/proc/sys/net/ipv4/conf/$i/arp_announce
		done
		ip addr add ` + VIP + `/32 dev tunl0
		ip link set tunl0 up`,
	})
	if err == nil {
		r.Node = v
	}
	return err
}

// Start starts its server and waits until it listens.
func (r *RealServer) Start(ctx context.Context) error {
	web, err := r.Node.Start(ctx, nil, r.agent, "web", "-name", r.Name, "-addr", ":80", "-udp", ":53")
	if err != nil {
		return err
	}
	r.web = web
	for end := time.Now().Add(10 * time.Second); !strings.Contains(web.Output(), "listening"); {
		select {
		case <-web.Done():
			return fmt.Errorf("%s: its server ended: %s", r.Name, web.Output())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: its server does not listen: %s", r.Name, web.Output())
		}
	}
	return nil
}

// Kill kills its server (SIGKILL): connections to it are refused from now on.
func (r *RealServer) Kill(ctx context.Context) error {
	if err := r.web.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_, err := r.web.Wait(ctx)
	return err
}
