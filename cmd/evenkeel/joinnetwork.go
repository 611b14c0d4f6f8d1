package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/network"
	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/wizard"
	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/hcl/config"
)

// reachWithin is how long a new box tries to reach the first director: a DHCP server, and a switch that looks for loops before it
// lets a port speak (IEEE 802.1D: 30 s), take their time.
const reachWithin = time.Minute

// fetchNew gets what the pair shares over the network that the new box's part of the configuration describes, which nobody has
// brought up yet. Where that fails the network is taken down again: nothing was changed.
func (d *desk) fetchNew(ctx context.Context, text, name string, box []byte, keep func(pairing.Shared) error) error {
	if _, err := d.store().InUse(); !errors.Is(err, archive.ErrNone) {
		return fetchShared(ctx, text, name, box, keep) // its network is there
	}
	code, err := pairing.ParseCode(text)
	if err != nil {
		return err
	}
	ap, err := applianceOf(box)
	if err != nil {
		return err
	}
	keeper := &network.Keeper{Log: hclog.NewNullLogger()} // what is wrong is said below
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = keeper.Run(running) // it only ends
	}()
	keeper.Set(ap)
	err = reach(ctx, net.JoinHostPort(code.Address.String(), strconv.Itoa(pairing.Port)), func(conn net.Conn) error {
		return pairing.Fetch(ctx, code, name, bonding(code, keep), func(context.Context, string) (net.Conn, error) { return conn, nil })
	})
	problems := keeper.Status().Problems
	stop()
	<-ended
	if err == nil {
		return nil // evenkeel box goes on with the network from here
	}
	for _, p := range problems {
		err = fmt.Errorf("%w\n%s", err, p)
	}
	network.Apply(nil, nil, network.Files{})
	return err
}

// reach connects to an address that may not be there yet, again and again, and does something with the connection.
func reach(ctx context.Context, address string, do func(net.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	for {
		dialer := net.Dialer{Timeout: 3 * time.Second}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return do(conn)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the first director can't be reached: %w: does it still show the code, are the addresses right, and is the cable in?", err)
		}
	}
}

// applianceOf is the appliance block of the box's own part of a configuration.
func applianceOf(box []byte) (*config.Appliance, error) {
	dir, err := os.MkdirTemp("", "evenkeel-join")
	if err != nil {
		return nil, fmt.Errorf("making a folder for this director's part: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, wizard.BoxFile)
	if err := os.WriteFile(path, box, 0o600); err != nil {
		return nil, fmt.Errorf("writing this director's part: %w", err)
	}
	cfg, text, err := core.Check(builtins(), []string{path}, false)
	if errors.As(err, new(*core.ConfigError)) {
		return nil, errors.New(strings.ReplaceAll(text, path, wizard.BoxFile))
	}
	if err != nil {
		return nil, err
	}
	return cfg.Appliance, nil
}
