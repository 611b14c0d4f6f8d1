package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/image/lab/guest"
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

// VMOptions describe a machine.
type VMOptions struct {
	Name     string
	Kind     Kind     // default UML
	Memory   int      // MiB; 0: enough for its image
	Modules  []string // loaded at boot, with what they need; others are loaded when the kernel asks for them
	Omit     []string // modules that the image does not have
	Sysctls  []string // "net.ipv4.ip_forward=1"
	Links    []Link   // its interfaces eth0, eth1 …
	Setup    string   // a shell script at boot, after the interfaces are there
	Files    []File
	Programs []string // programs of the host, put at the same path with the libraries that they need
}

// A Link is a machine's interface.
type Link struct {
	Bridge    string   // Front or Back
	Addresses []string // with prefix length: "10.77.0.11/24"
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
		front.Addresses = append(front.Addresses, VIP+"/32", VIP6+"/128")
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

// Boot boots a machine and waits until its agent answers.
func (l *Lab) Boot(ctx context.Context, o VMOptions) (*VM, error) {
	if o.Kind == "" {
		o.Kind = UML
	}
	k, err := l.store.kernel(o.Kind)
	if err != nil {
		return nil, err
	}
	base, err := l.store.baseImage(k, l.options.Agent, o.Omit)
	if err != nil {
		return nil, err
	}
	node, err := l.node(k, o)
	if err != nil {
		return nil, err
	}
	initrd := filepath.Join(l.fabric.dir, o.Name+".initrd")
	size, err := writeImage(initrd, base, node, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	if o.Memory == 0 {
		// The image is there twice while it is unpacked; with less than about 60 MiB beside it the kernel panics.
		o.Memory = max(192, 128+2*int(size>>20))
	}
	var nics []nic
	for i, link := range o.Links {
		n, err := l.fabric.nic(ctx, o.Name, i, link.Bridge)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Name, err)
		}
		nics = append(nics, n)
	}
	command := umlCommand
	if o.Kind == QEMU {
		command = qemuCommand
	}
	v := &VM{
		name: o.Name, kind: o.Kind, cmd: command(k, o, o.Memory, initrd, l.fabric.dir, nics),
		console: &console{}, ended: make(chan struct{}),
		files: []string{initrd, filepath.Join(l.fabric.dir, o.Name)},
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, fmt.Errorf("%s: the lab is closed", o.Name)
	}
	l.vms = append(l.vms, v)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it did not boot within a minute"))
	defer cancel()
	if err := v.launch(ctx, l.fabric.core); err != nil {
		return nil, err
	}
	os.Remove(initrd)
	for _, n := range nics {
		if err := l.fabric.core.carries(ctx, n.tap); err != nil {
			v.Kill()
			return nil, v.explain(err)
		}
	}
	if v.Greeting.Warning != "" {
		v.Kill()
		return nil, v.explain(fmt.Errorf("%s: boot: %s", o.Name, v.Greeting.Warning))
	}
	fmt.Fprintf(l.options.Log, "%s up after %.1f s: Linux %s under %s\n", o.Name, v.Boot.Seconds(), v.Greeting.Release, o.Kind)
	return v, nil
}

// node is what the machine itself must know.
func (l *Lab) node(k kernel, o VMOptions) (guest.Node, error) {
	n := guest.Node{Hostname: o.Name, Sysctls: o.Sysctls, Line: "/dev/ttyS0"}
	load := []string{"af_packet", "ipv6"}
	if o.Kind == QEMU {
		n.Line = "virtio:" + virtioPort
		load = append(slices.Clone(virtio), load...)
	}
	files, err := moduleFiles(k, append(load, o.Modules...), o.Omit)
	if err != nil {
		return n, err
	}
	n.Modules = files
	var b strings.Builder
	// IPv6 addresses are to be of use at once: no duplicate address detection, which needs both to be 0.
	b.WriteString("echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad\n")
	for i, link := range o.Links {
		if o.Kind == UML {
			fmt.Fprintf(&b, "ip link set vec%d name eth%d\n", i, i)
		}
		fmt.Fprintf(&b, "echo 0 >/proc/sys/net/ipv6/conf/eth%d/accept_dad\n", i)
		for _, a := range link.Addresses {
			fmt.Fprintf(&b, "ip addr add %s dev eth%d\n", a, i)
		}
		fmt.Fprintf(&b, "ip link set eth%d up\n", i)
	}
	// An interface passes packets when it has its link-local address, up to a second later.
	for i := range o.Links {
		fmt.Fprintf(&b, "for try in $(seq 100); do ip -6 addr show dev eth%d scope link | grep -q inet6 && break; sleep 0.05; done\n", i)
	}
	n.Setup = b.String() + o.Setup
	return n, nil
}

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
