package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/guest"
)

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
	Addresses []string // as ip addr add takes them: "10.77.0.11/24", "fd00:77::100/128 preferred_lft 0"
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
	if v.Greeting.Warning != "" {
		v.Kill()
		return nil, v.explain(fmt.Errorf("%s: boot: %s", o.Name, v.Greeting.Warning))
	}
	for _, n := range nics {
		if err := l.fabric.core.carries(ctx, n.tap); err != nil {
			v.Kill()
			return nil, v.explain(err)
		}
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
	n.Setup = interfaces(o) + o.Setup
	return n, nil
}

// interfaces is the script that gives a machine its interfaces.
func interfaces(o VMOptions) string {
	var b strings.Builder
	// The path names iproute2's ip: busybox's shell prefers its own to any that PATH has.
	// No duplicate address detection: an IPv6 address, the link-local one too, is to be of use at once.
	b.WriteString("for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 >$f; done\n/usr/sbin/ip -batch - <<-END\n")
	for i, link := range o.Links {
		if o.Kind == UML {
			fmt.Fprintf(&b, "\tlink set vec%d name eth%d\n", i, i)
		}
		for _, a := range link.Addresses {
			fmt.Fprintf(&b, "\taddr add %s dev eth%d\n", a, i)
		}
		fmt.Fprintf(&b, "\tlink set eth%d up\n", i)
	}
	b.WriteString("\tEND\n")
	// An interface passes packets when it has its link-local address, up to a second later.
	for i := range o.Links {
		fmt.Fprintf(&b, "for try in $(seq 100); do grep -q '^fe80.* eth%d$' /proc/net/if_inet6 && break; sleep 0.05; done\n", i)
	}
	return b.String()
}
