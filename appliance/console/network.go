package console

import (
	"fmt"
	"io"
	"net"
)

// Network writes the network interfaces with their addresses.
func Network(w io.Writer) error {
	all, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("reading the network interfaces: %w", err)
	}
	for _, i := range all {
		state := "down"
		switch {
		case i.Flags&net.FlagRunning != 0:
			state = "up"
		case i.Flags&net.FlagUp != 0:
			state = "no cable"
		}
		fmt.Fprintf(w, "%-15s  %-8s  %-17s  mtu %d\n", i.Name, state, i.HardwareAddr, i.MTU)
		addresses, err := i.Addrs()
		if err != nil {
			return fmt.Errorf("reading the addresses of %s: %w", i.Name, err)
		}
		for _, a := range addresses {
			fmt.Fprintf(w, "    %s\n", a)
		}
	}
	return nil
}
