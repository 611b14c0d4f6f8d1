package console

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
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

// Live shows something again and again until Enter is pressed.
func Live(ctx context.Context, l *Lines, every time.Duration, show func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pressed := make(chan error, 1)
	go func() {
		_, err := l.ReadLine()
		pressed <- err
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		var text strings.Builder
		if err := show(&text); err != nil {
			fmt.Fprintf(&text, "! %s\n", indented(sentence(err.Error())))
		}
		l.Printf("\n%s\n[%s, again every %s; Enter ends it]\n", strings.TrimRight(ascii(text.String()), "\n"), time.Now().UTC().Format("15:04:05Z"), every)
		select {
		case err := <-pressed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
