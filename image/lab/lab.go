package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Options say what a lab consists of. The zero value is a client, three real servers and a director (UML, dr).
type Options struct {
	Mode        Mode      // default DR
	Kind        Kind      // of the directors; default UML
	Directors   int       // default 1; negative: none
	RealServers int       // default 3; negative: none
	Director    VMOptions // what is in a director beside the lab's own: files, programs, modules
	NoVIP       bool      // the directors get no virtual addresses; otherwise the first has them
	// Agent is the static program evenkeel-lab, which goes into every machine. Default: the running program.
	Agent string
	Log   io.Writer // nil: nothing is said
}

// A Lab is a running lab.
type Lab struct {
	Mode        Mode
	Client      *Host
	Directors   []*VM
	RealServers []*RealServer

	options Options
	fabric  *fabric
	store   store
	stop    func() bool // of the watch for the end of New's context

	mu     sync.Mutex
	vms    []*VM
	closed bool
}

// New makes a lab and waits until all of it is up. When ctx ends, the lab is closed; Close may be called all the same.
func New(ctx context.Context, o Options) (*Lab, error) {
	o = o.withDefaults()
	if err := Check(o.Kind); err != nil {
		return nil, err
	}
	if err := o.findAgent(); err != nil {
		return nil, err
	}
	s, err := openStore()
	if err != nil {
		return nil, err
	}
	f, err := newFabric(ctx)
	if err != nil {
		return nil, err
	}
	l := &Lab{Mode: o.Mode, options: o, fabric: f, store: s}
	l.stop = context.AfterFunc(ctx, func() { _ = l.Close() })
	if err := l.up(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (o Options) withDefaults() Options {
	if o.Mode == "" {
		o.Mode = DR
	}
	if o.Kind == "" {
		o.Kind = UML
	}
	if o.Directors == 0 {
		o.Directors = 1
	}
	if o.RealServers == 0 {
		o.RealServers = 3
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// findAgent sees to it that Agent is a program that runs in a machine without libraries.
func (o *Options) findAgent() (err error) {
	if o.Agent == "" {
		if o.Agent, err = os.Executable(); err != nil {
			return err
		}
	}
	static, err := isStatic(o.Agent)
	if err == nil && !static {
		err = errors.New("not a static program; build it with CGO_ENABLED=0")
	}
	if err != nil {
		return fmt.Errorf("the lab's agent %s: %w", o.Agent, err)
	}
	return nil
}

func (l *Lab) up(ctx context.Context) (err error) {
	if l.Client, err = l.fabric.host(ctx, "client", Front, "10.77.0.10/24", "fd00:77::10/64"); err != nil {
		return err
	}
	// A client that opens thousands of connections must not run out of ports before the director has anything to do.
	for _, s := range []string{"net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1"} {
		if err := l.Client.ns.sysctl(s); err != nil {
			return err
		}
	}
	n := max(l.options.RealServers, 0)
	l.RealServers = make([]*RealServer, n)
	l.Directors = make([]*VM, max(l.options.Directors, 0))
	g, gctx := errgroup.WithContext(ctx)
	for i := range l.Directors {
		g.Go(func() (err error) {
			l.Directors[i], err = l.StartDirector(gctx, i)
			return err
		})
	}
	for i := range l.RealServers {
		g.Go(func() (err error) {
			l.RealServers[i], err = l.newRealServer(gctx, i)
			return err
		})
	}
	return g.Wait()
}

// StartDirector boots director i (from 0), for the first time or again after VM.Kill, and puts it into Directors.
func (l *Lab) StartDirector(ctx context.Context, i int) (*VM, error) {
	o := l.options.Director
	o.Name, o.Kind = fmt.Sprintf("dir%d", i+1), l.options.Kind
	front := Link{Front, []string{fmt.Sprintf("10.77.0.%d/24", 11+i), fmt.Sprintf("fd00:77::%d/64", 11+i)}}
	back := Link{Back, []string{fmt.Sprintf("10.77.1.%d/24", 1+i), fmt.Sprintf("fd00:77:1::%d/64", 1+i)}}
	if i == 0 && !l.options.NoVIP {
		// Deprecated: it is no address for the director's own connections, to which real servers could not answer.
		front.Addresses = append(front.Addresses, VIP+"/32", VIP6+"/128 preferred_lft 0")
	}
	o.Links = append([]Link{front, back}, o.Links...)
	o.Modules = append([]string{"ip_vs"}, o.Modules...)
	o.Sysctls = append([]string{
		"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
		"net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
	}, o.Sysctls...)
	v, err := l.Boot(ctx, o)
	if err == nil {
		l.Directors[i] = v
	}
	return v, err
}

// AddHost adds a computer that is a network namespace, with eth0 on a bridge, Front or Back.
func (l *Lab) AddHost(ctx context.Context, name, bridge string, addresses ...string) (*Host, error) {
	return l.fabric.host(ctx, name, bridge, addresses...)
}

// AddTap adds a tap device on a bridge, Front or Back, for the i-th network card of a machine that is none of the lab's own, and
// returns its name and a hardware address for the card. The machine's process has to be started with InFabric.
func (l *Lab) AddTap(ctx context.Context, machine string, i int, bridge string) (tap, mac string, err error) {
	n, err := l.fabric.nic(ctx, machine, i, bridge)
	return n.tap, n.mac, err
}

// Cable puts the cable of a host's eth0 in or out of the bridge: "up" or "down".
func (l *Lab) Cable(ctx context.Context, h *Host, state string) error {
	return l.fabric.core.ip(ctx, "link", "set", h.name, state)
}

// Isolate keeps hosts from hearing each other, and only each other, or lets them hear each other again.
func (l *Lab) Isolate(ctx context.Context, apart bool, hosts ...*Host) error {
	state := map[bool]string{true: "on", false: "off"}[apart]
	for _, h := range hosts { // bridge(8): an isolated port talks to those that are not isolated
		if err := l.fabric.core.ip(ctx, "link", "set", h.name, "type", "bridge_slave", "isolated", state); err != nil {
			return err
		}
	}
	return nil
}

// InFabric calls f on a thread that is in the namespace of the bridges: sockets that f opens are there, too.
func (l *Lab) InFabric(f func() error) error { return l.fabric.core.do(f) }

// Close ends all machines and processes of the lab and removes what it made. Calls after the first do nothing.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.stop()
	for _, v := range l.vms {
		if v.cmd.Process != nil {
			v.Kill()
		}
	}
	return l.fabric.close()
}
