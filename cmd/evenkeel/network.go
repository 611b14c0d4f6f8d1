package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/settings"
)

// newNetwork shows the network of a box, and changes it.
func newNetwork(socket *string) *cobra.Command {
	state := ""
	c := &cobra.Command{
		Use:   "network",
		Short: "Show interfaces, addresses, routes and name servers; \"set\" changes those of a box",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return showNetwork(cmd.OutOrStdout(), state)
		},
	}
	c.Flags().StringVar(&state, "state", defaultBoxState, "the file in which \"evenkeel box\" says how the box is")
	c.AddCommand(newNetworkSet(socket))
	return c
}

// showNetwork writes what is wrong first, as the status does.
func showNetwork(w io.Writer, state string) error {
	s, err := readState(state, time.Now())
	if err != nil && !errors.Is(err, errNoKeeper) {
		fmt.Fprintf(w, "PROBLEM: %v\n", err)
	}
	for _, p := range s.Network.Problems {
		fmt.Fprintf(w, "PROBLEM: %s\n", p)
	}
	if err := console.Network(w); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Network.Leases)) {
		if l := s.Network.Leases[name]; l.Address.IsValid() {
			fmt.Fprintf(w, "%s has %s by DHCP, from %s until %s\n", name, l.Address, l.Server, l.Expires.UTC().Format("2006-01-02 15:04:05Z"))
		}
	}
	if err := showRoutes(w); err != nil {
		return err
	}
	if text, err := os.ReadFile("/etc/resolv.conf"); err == nil {
		for line := range strings.Lines(string(text)) {
			if server, ok := strings.CutPrefix(strings.TrimSpace(line), "nameserver "); ok {
				fmt.Fprintf(w, "name server %s\n", server)
			}
		}
	}
	return nil
}

// showRoutes writes the routes of the main table, but not those that go with addresses.
func showRoutes(w io.Writer) error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("reading the routes: %w", err)
	}
	for _, r := range routes {
		const byKernel = 2 // RTPROT_KERNEL of rtnetlink(7)
		if r.Protocol == byKernel || r.Gw == nil && len(r.MultiPath) == 0 {
			continue
		}
		to := "everything else"
		if r.Dst != nil {
			if ones, _ := r.Dst.Mask.Size(); ones > 0 {
				to = r.Dst.String()
			}
		}
		by := fmt.Sprint(r.LinkIndex)
		if l, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			by = l.Attrs().Name
		}
		fmt.Fprintf(w, "%s goes by %s to %s\n", to, by, r.Gw)
	}
	return nil
}

// A networkChange is what "evenkeel network set" is told.
type networkChange struct {
	dhcp        bool
	addresses   []string
	gateway     string
	hostname    string
	nameservers []string
	ntpServers  []string
}

func newNetworkSet(socket *string) *cobra.Command {
	a := &archive.Archive{Check: checkFolder}
	n := &networkChange{}
	c := &cobra.Command{
		Use:   "set [INTERFACE]",
		Short: "Change how a box gets its addresses, its name, and whom it asks for names and the time",
		Long: `Change the appliance block of a box's configuration: with an INTERFACE how it gets its addresses, which replaces what was there,
and without one what is the box's. Everything else in the block is changed with "evenkeel config edit".`,
		Example: `  evenkeel network set eth0 --address 192.0.2.11/24 --gateway 192.0.2.1 --confirm 2m
  evenkeel network set eth0 --dhcp
  evenkeel network set --hostname lb1 --nameserver 192.0.2.53`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	f.StringVar(&a.Dir, "dir", defaultArchive, "where the configuration is kept")
	f.BoolVar(&n.dhcp, "dhcp", false, "a DHCP server gives the interface its address")
	f.StringArrayVar(&n.addresses, "address", nil, "address with the length of its network; may be given more than once")
	f.StringVar(&n.gateway, "gateway", "", "gateway to other networks")
	f.StringVar(&n.hostname, "hostname", "", "name of the box")
	f.StringArrayVar(&n.nameservers, "nameserver", nil, "name server; may be given more than once")
	f.StringArrayVar(&n.ntpServers, "ntp-server", nil, "time server; may be given more than once")
	return puttingInUse(c, a, socket, operator(), func(args []string) (archive.Files, string, error) {
		before, err := filesOf(a, nil)
		if err != nil {
			return nil, "", err
		}
		if len(args) == 1 {
			files, err := n.onInterface(before, args[0])
			return files, "network of " + args[0], err
		}
		files, err := n.onHost(before)
		return files, "name and servers of the box", err
	})
}

func (n *networkChange) onInterface(files archive.Files, name string) (archive.Files, error) {
	if n.hostname != "" || n.nameservers != nil || n.ntpServers != nil {
		return nil, errors.New("--hostname, --nameserver and --ntp-server are the box's: leave the interface out")
	}
	if !n.dhcp && n.addresses == nil {
		return nil, errors.New("say how the interface gets its address: --dhcp, or --address 192.0.2.11/24")
	}
	i := settings.Interface{DHCP: n.dhcp}
	var err error
	if i.Addresses, err = prefixes(n.addresses); err != nil {
		return nil, err
	}
	if n.gateway != "" {
		if i.Gateway, err = netip.ParseAddr(n.gateway); err != nil {
			return nil, fmt.Errorf("%q is no address of a gateway: write one as in 192.0.2.1", n.gateway)
		}
	}
	return settings.SetInterface(files, name, i)
}

func (n *networkChange) onHost(files archive.Files) (archive.Files, error) {
	if n.dhcp || n.addresses != nil || n.gateway != "" {
		return nil, errors.New("--dhcp, --address and --gateway are an interface's: name it, as in \"evenkeel network set eth0 --dhcp\"")
	}
	var h settings.Host
	if n.hostname != "" {
		h.Name = &n.hostname
	}
	if n.nameservers != nil {
		servers, err := addresses(n.nameservers)
		if err != nil {
			return nil, err
		}
		h.Nameservers = &servers
	}
	if n.ntpServers != nil {
		h.NTPServers = &n.ntpServers
	}
	if h == (settings.Host{}) {
		return nil, errors.New("say what is to be changed: --hostname, --nameserver or --ntp-server, or name an interface")
	}
	return settings.SetHost(files, h)
}

func prefixes(words []string) (all []netip.Prefix, err error) {
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if err != nil {
			return nil, fmt.Errorf("%q is no address with the length of its network: write one as in 192.0.2.11/24", w)
		}
		all = append(all, p)
	}
	return all, nil
}

func addresses(words []string) (all []netip.Addr, err error) {
	for _, w := range words {
		a, err := netip.ParseAddr(w)
		if err != nil {
			return nil, fmt.Errorf("%q is no address: write one as in 192.0.2.53", w)
		}
		all = append(all, a)
	}
	return all, nil
}
