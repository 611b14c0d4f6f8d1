package network

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/hcl/config"
)

const (
	flagUp  = unix.IFF_UP
	lowerUp = unix.IFF_LOWER_UP
)

// parameters are those of the kernel (Documentation/networking/ip-sysctl.rst) for one interface.
func (a *applier) parameters(i config.ApplianceInterface) {
	// Without it, the first address of a network takes all others of that network along when it goes: the virtual ones, too.
	a.parameter(i.Name, "ipv4", "promote_secondaries", "1")
	// 2: also while the box forwards packets, which a director does.
	accept := "0"
	if i.AcceptRA {
		accept = "2"
	}
	a.parameter(i.Name, "ipv6", "accept_ra", accept)
}

func (a *applier) parameter(name, family, key, value string) {
	path := filepath.Join("/proc/sys/net", family, "conf", name, key)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && family == "ipv6" {
		return // a kernel without IPv6, or an mtu that is too small for it
	}
	if err == nil && string(bytes.TrimSpace(b)) == value {
		return
	}
	if err == nil {
		err = os.WriteFile(path, []byte(value), 0o644)
	}
	a.did(name, key+" "+value, err)
}
