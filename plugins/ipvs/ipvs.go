package ipvs

import (
	"errors"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Version is the plugin's version.
const Version = "1.0.0"

// Plugin returns the balancer plugin, which works on the IPVS of the running kernel. A kernel without it is an error that
// says what to do; in a dry run it counts as one with an empty table.
func Plugin() sdk.Plugin { return plugin(kernel.Open) }

// A connector is kernel.Open, or what a test has in its place.
type connector func(load func(module string) error) (*kernel.Netlink, error)

func plugin(connect connector) sdk.Plugin {
	info := sdk.Info{Name: "ipvs", Version: Version, Schema: schema()}
	return sdk.NewBalancer(info, func(h sdk.Host) (sdk.Balancer, error) {
		k, err := open(h.DryRun, connect)
		if err != nil {
			return nil, err
		}
		if !h.DryRun {
			letGo(kernel.SetSysctl, h.Logger)
		}
		return New(Options{Kernel: k, Packets: nft.New(), Sysctl: kernel.SetSysctl, Interface: kernel.Interface, DryRun: h.DryRun, Logger: h.Logger}), nil
	})
}

// expirySysctls say what becomes of a client whose real server is taken out, or gets no new connections: without them the
// kernel drops the packets of a known client port for 2 minutes (TCP) or 5 (UDP), and sends a persistent client to a real
// server of weight 0 for as long as it keeps coming (ipvs-sysctl.rst). ipvsadm and keepalived leave them to the reader.
var expirySysctls = []string{"net/ipv4/vs/expire_nodest_conn", "net/ipv4/vs/expire_quiescent_template"}

// letGo has the kernel forget what leads to real servers that are out of service. It is worth a warning if it cannot.
func letGo(set func(name, value string) (bool, error), logger hclog.Logger) {
	for _, name := range expirySysctls {
		if _, err := set(name, "1"); err != nil {
			logger.Warn("clients of real servers that are taken out may hang for minutes", "error", err)
		}
	}
}

// open connects to the kernel. A dry run loads no module.
func open(dryRun bool, connect connector) (kernel.Kernel, error) {
	load := kernel.Modprobe
	if dryRun {
		load = nil
	}
	k, err := connect(load)
	switch {
	case dryRun && errors.Is(err, kernel.ErrNoIPVS):
		return absent{kernel.NewMemory()}, nil
	case err != nil:
		return nil, err
	}
	return k, nil
}

// An absent kernel has no IPVS: an empty table, of no version and without connections.
type absent struct{ *kernel.Memory }

// Info returns the zero Info.
func (absent) Info() (kernel.Info, error) { return kernel.Info{}, nil }
