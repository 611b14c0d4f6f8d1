package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/update"
	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// updatePair updates the other director and then this one.
func updatePair(ctx context.Context, out io.Writer, from, keys, socket string, peer netip.Addr, force bool) error {
	bond, err := pairing.ReadBond(bondFile)
	if err != nil {
		return err
	}
	if peer.IsValid() {
		bond.Peer = peer
	}
	settings, err := bond.Asking()
	if err != nil {
		return err
	}
	here, err := newThisDirector(socket, keys)
	if err != nil {
		return err
	}
	bundle, in, err := openUpdate(ctx, from, keys)
	if err != nil {
		return err
	}
	if err := in.Close(); err != nil {
		return err
	}
	address := net.JoinHostPort(bond.Peer.String(), strconv.Itoa(update.PairPort))
	both := update.Both{
		Here: here, Version: bundle.Manifest.Version, Force: force,
		Peer: update.Remote{Dial: func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{Config: settings}).DialContext(ctx, "tcp", address)
		}},
		Open: func() (io.ReadCloser, error) { return fetch(ctx, from) },
		Say:  func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) },
	}
	return both.Run(ctx)
}

// openUpdate reads the beginning of an update, which has to be signed.
func openUpdate(ctx context.Context, from, keys string) (*update.Bundle, io.ReadCloser, error) {
	ks, err := update.Keys(keys)
	if err != nil {
		return nil, nil, err
	}
	in, err := fetch(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	bundle, err := update.Open(in, ks)
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return bundle, in, nil
}

// A thisDirector is the box that this runs on, as an update of its pair sees it.
type thisDirector struct {
	installer    update.Installer
	socket, keys string
	restart      func() error
}

func newThisDirector(socket, keys string) (*thisDirector, error) {
	d, running, err := thisBox()
	if err != nil {
		return nil, err
	}
	return &thisDirector{installer: installer(d, running), socket: socket, keys: keys, restart: restart}, nil
}

func (t *thisDirector) State(ctx context.Context) (update.State, error) {
	s := update.State{Version: t.installer.Version}
	s.Name, _ = os.Hostname() // to be shown
	held, err := t.installer.Book.Slots()
	if err != nil {
		return s, err
	}
	if h := held[t.installer.Running]; h.Version != "" {
		s.Version = h.Version
	}
	c, err := t.installer.Disk.Counter()
	if err != nil {
		return s, err
	}
	waiting, err := t.installer.Book.Pending()
	if err != nil {
		return s, err
	}
	s.Good = waiting == nil && c.Left[t.installer.Running] == update.Tries
	if s.Failed, err = t.installer.Book.Failed(); err != nil {
		return s, err
	}
	instances, err := t.instances(ctx)
	for _, i := range instances {
		s.Roles = append(s.Roles, update.Role{Instance: i.Name, State: i.State, Released: i.Released})
	}
	return s, err
}

// instances are the virtual routers of the director that runs.
func (t *thisDirector) instances(ctx context.Context) ([]*controlv1.VRRPInstance, error) {
	client, err := control.Dial(t.socket)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	st, err := client.Status(ctx, &controlv1.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("asking for the status: %s", status.Convert(err).Message())
	}
	if st.Vrrp == nil {
		return nil, nil
	}
	return st.Vrrp.Instances, nil
}

func (t *thisDirector) command(ctx context.Context, action, instance string) error {
	client, err := control.Dial(t.socket)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.CommandVRRP(ctx, &controlv1.CommandVRRPRequest{Instance: instance, Action: action}); err != nil {
		return errors.New(status.Convert(err).Message())
	}
	return nil
}

func (t *thisDirector) Put(ctx context.Context, in io.Reader, force bool, say func(string)) error {
	keys, err := update.Keys(t.keys)
	if err != nil {
		return err
	}
	bundle, err := update.Open(in, keys)
	if err != nil {
		return err
	}
	i := telling(t.installer, say)
	return i.Install(ctx, bundle, force)
}

func (t *thisDirector) Release(ctx context.Context) error {
	instances, err := t.instances(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, i := range instances {
		if i.State == "master" && !i.Released {
			names = append(names, i.Name)
		}
	}
	// Noted first: what was noted and not released is reclaimed, and that changes nothing.
	if err := t.installer.Book.SetReleased(names); err != nil {
		return err
	}
	for _, name := range names {
		if err := t.command(ctx, "release", name); err != nil {
			return fmt.Errorf("releasing %s: %w", name, err)
		}
	}
	return nil
}

func (t *thisDirector) Reclaim(ctx context.Context) error {
	names, err := t.installer.Book.Released()
	if err != nil || len(names) == 0 {
		return err
	}
	instances, err := t.instances(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(instances, func(i *controlv1.VRRPInstance) bool { return i.Name == name }) {
			continue // it is not configured any more
		}
		if err := t.command(ctx, "reclaim", name); err != nil {
			return fmt.Errorf("reclaiming %s: %w", name, err)
		}
	}
	return t.installer.Book.SetReleased(nil)
}

func (t *thisDirector) Restart(context.Context) error { return t.restart() }

// reclaim takes back, when the running version is good, the roles that were given away for an update.
func (b *box) reclaim(ctx context.Context, good <-chan struct{}) error {
	select {
	case <-good:
	case <-ctx.Done():
		return nil
	}
	t, err := newThisDirector(b.socket, defaultKeys)
	if err != nil {
		return nil // a Linux without slots
	}
	said := ""
	for {
		err := t.Reclaim(ctx)
		if err == nil {
			return nil
		}
		if said != err.Error() {
			said = err.Error()
			b.log.Error("the roles that were given away for an update can't be taken back yet", "error", err)
		}
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}
