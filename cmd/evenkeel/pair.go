package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/pairing"
	"github.com/evenkeel/evenkeel/appliance/wizard"
	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/hcl/config"
)

func newPair() *cobra.Command {
	var address netip.Addr
	c := &cobra.Command{
		Use:   "pair FOLDER",
		Short: "On the first director: show a code with which the second one gets what both share",
		Long: `Show a code, and hand FOLDER/shared.hcl to whoever comes with it, once, within ten minutes. On the second director the
wizard asks for the code, or "evenkeel join CODE --output FOLDER" takes it.

The two speak TLS with keys that are made of the code: nobody else can be either side, or read what they say.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return pair(cmd, args[0], address)
		},
	}
	c.Flags().TextVar(&address, "address", netip.Addr{}, "address of this director that the second one reaches; if it is not given, the first of the appliance block, or the one that leads to the default gateway")
	return c
}

func pair(cmd *cobra.Command, folder string, address netip.Addr) error {
	shared, err := os.ReadFile(filepath.Join(folder, wizard.SharedFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s has no %s: put what both directors share into it, and what is this one's own into %s", folder, wizard.SharedFile, wizard.BoxFile)
	case err != nil:
		return fmt.Errorf("reading what both directors share: %w", err)
	}
	cfg, text, err := core.Check(builtins(), []string{folder}, false)
	if err != nil {
		fmt.Fprint(cmd.ErrOrStderr(), text)
		return err
	}
	if !address.IsValid() {
		if address, err = ownAddress(cfg.Appliance); err != nil {
			return err
		}
	}
	l, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", netip.AddrPortFrom(address, pairing.Port).String())
	if err != nil {
		return fmt.Errorf("waiting for the second director: %w", err)
	}
	code := pairing.NewCode(address)
	var secret []byte
	if _, _, err := thisBox(); err == nil {
		secret = pairing.NewSecret()
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The code for the second director, good once within %d minutes:\n\n    %s\n\nWaiting.\n", int(pairing.Lifetime.Minutes()), code)
	second, err := pairing.Offer{Director: cfg.Director.Name, Shared: shared, Secret: secret, Code: code}.Serve(cmd.Context(), l)
	if err != nil {
		return err
	}
	if secret != nil {
		if err := keepBond(pairing.Bond{Secret: secret, Peer: second.Address, Name: second.Name}); err != nil {
			return err
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%q at %s has fetched it.\n", second.Name, second.Address)
	return nil
}

// ownAddress is the first address that a box was given, or else the one from which this machine speaks to the rest of the
// world. Nothing is sent.
func ownAddress(box *config.Appliance) (netip.Addr, error) {
	if box != nil {
		for _, i := range box.Interfaces {
			for _, p := range i.Addresses {
				if p.Addr().IsGlobalUnicast() {
					return p.Addr(), nil
				}
			}
		}
	}
	c, err := net.Dial("udp", net.JoinHostPort("192.0.2.1", strconv.Itoa(pairing.Port)))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("finding this director's address: %w: name it with --address", err)
	}
	defer c.Close()
	a, err := netip.ParseAddrPort(c.LocalAddr().String())
	return a.Addr().Unmap(), err
}

func newJoin() *cobra.Command {
	var output, name string
	c := &cobra.Command{
		Use:   "join CODE --output FOLDER",
		Short: "On the second director: get what both share with the first one's code",
		Long: `Get what both directors share from the first one, which shows the code ("evenkeel pair"), and write it to FOLDER/shared.hcl.
FOLDER/box.hcl, if it is there, is this director's own part: both together have to be a good configuration.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			box, err := os.ReadFile(filepath.Join(output, wizard.BoxFile))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("reading this director's own part: %w", err)
			}
			return fetchShared(cmd.Context(), args[0], name, box, func(s pairing.Shared) error {
				if box != nil {
					if err := checkFiles(wizard.Files{Box: box, Shared: s.Text}); err != nil {
						return fmt.Errorf("what %q shares does not go with %s here:\n%w", s.Director, wizard.BoxFile, err)
					}
				}
				return writeShared(output, s.Text)
			})
		},
	}
	host, _ := os.Hostname() // a default, no more
	c.Flags().StringVarP(&output, "output", "o", "", "folder of the configuration")
	c.Flags().StringVar(&name, "name", host, "what the first director is told that this one is called")
	_ = c.MarkFlagRequired("output") // it exists
	return c
}

func writeShared(folder string, text []byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of the configuration: %w", err)
	}
	return console.WriteFile(filepath.Join(folder, wizard.SharedFile), text)
}

// fetchShared gets what the pair shares over a network that is there.
func fetchShared(ctx context.Context, text, name string, _ []byte, keep func(pairing.Shared) error) error {
	code, err := pairing.ParseCode(text)
	if err != nil {
		return err
	}
	return pairing.Fetch(ctx, code, name, bonding(code, keep), nil)
}
