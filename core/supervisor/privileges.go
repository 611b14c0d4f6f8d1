package supervisor

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Privileges are what a plugin may do. They are in place before its first instruction runs. docs/plugins.md has the
// table for people; this file is where it is made.
type Privileges struct {
	// Root keeps the core's identity and all its capabilities, for those that run what the operator names. Others are
	// nobody, when the core is root.
	Root bool
	// Capabilities are ambient, so that they outlive the exec of a program that is not root's: capabilities(7).
	Capabilities []uintptr
	// NewPrivileges lets it gain more by setuid programs, as sudo.
	NewPrivileges bool
	// View is what it may do in the file system, beyond what the identity allows.
	View View
	// Memory is how much it may use, in bytes. It is told to Go's garbage collector and watched; RLIMIT_AS would count
	// address space, of which Go reserves far more than it uses.
	Memory uint64
}

// A View is how much of the file system a plugin gets, by landlock(7) where the kernel has it.
type View string

// The views.
const (
	ViewAll  View = "all"  // everything
	ViewRead View = "read" // read everywhere, write to its socket's folder, /dev/null and its own name only
	ViewNet  View = "net"  // as ViewRead, and the settings of the network in /proc/sys/net
)

// nobody is the user and group of plugins without privileges: nobody and nogroup on Debian.
const nobody = 65534

const mebibyte = 1 << 20

// privilegesOf is the table, and what the configuration adds to it.
func privilegesOf(p Plugin) Privileges {
	priv := ownPrivileges(p)
	if p.Marks && !priv.Root && !slices.Contains(priv.Capabilities, unix.CAP_NET_RAW) {
		priv.Capabilities = append(priv.Capabilities, unix.CAP_NET_RAW)
	}
	return priv
}

// ownPrivileges is the table.
func ownPrivileges(p Plugin) Privileges {
	plain := Privileges{View: ViewRead, Memory: 512 * mebibyte}
	if !p.Builtin {
		return plain // somebody else's, of whatever kind
	}
	switch p.String() {
	case "ipvs": // genetlink IPVS, nftables, net.ipv4.vs.*
		return Privileges{View: ViewNet, Memory: 1024 * mebibyte, Capabilities: []uintptr{unix.CAP_NET_ADMIN}}
	case "vrrp": // addresses, raw sockets, locked memory, real-time priority
		return Privileges{View: ViewNet, Memory: 256 * mebibyte, Capabilities: []uintptr{
			unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_IPC_LOCK, unix.CAP_SYS_NICE}}
	case "check-ping":
		plain.Capabilities = []uintptr{unix.CAP_NET_RAW}
	case "check-file": // any file that the operator names
		plain.Capabilities = []uintptr{unix.CAP_DAC_READ_SEARCH}
	case "provision-ssh", "check-load": // a private key that only root may read
		plain.Capabilities = []uintptr{unix.CAP_DAC_READ_SEARCH}
	case "check-script", "notify-script", "notify-service": // what the operator names, as whom the operator names
		return Privileges{Root: true, NewPrivileges: true, View: ViewAll, Memory: 512 * mebibyte}
	}
	return plain
}

// mustOutlive says whether a plugin goes on for a while when the core is gone: vrrp holds the addresses.
func mustOutlive(k sdk.Kind) bool { return k == sdk.KindVRRP }
