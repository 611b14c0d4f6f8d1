package lab

import "fmt"

// A Kind is a kind of virtual machine.
type Kind string

// The kinds of virtual machines.
const (
	UML  Kind = "uml"  // User Mode Linux: half the boot time and memory; system calls are dear
	QEMU Kind = "qemu" // QEMU with software emulation (TCG): a stock kernel with virtio
)

// A Mode is how a director's packets reach the real servers.
type Mode string

// The modes, named as the language's forward attribute names them.
const (
	DR  Mode = "dr"
	NAT Mode = "nat"
	TUN Mode = "tun"
)

// ParseKind returns the kind of that name.
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case UML, QEMU:
		return k, nil
	}
	return "", fmt.Errorf("no kind of virtual machine is named %q: uml or qemu", s)
}

// ParseMode returns the mode of that name.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case DR, NAT, TUN:
		return m, nil
	}
	return "", fmt.Errorf("no forwarding is named %q: dr, nat or tun", s)
}
