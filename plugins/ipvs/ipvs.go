package ipvs

import (
	"errors"

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
		return New(Options{Kernel: k, Packets: nft.New(), Sysctl: kernel.SetSysctl, DryRun: h.DryRun, Logger: h.Logger}), nil
	})
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
