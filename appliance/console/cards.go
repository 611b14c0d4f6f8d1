package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// Cards finds network cards and watches their cables, in sysfs (Documentation/ABI/testing/sysfs-class-net of the kernel).
type Cards struct {
	Dir     string                  // "" is /sys/class/net
	All     bool                    // also interfaces that are no cards, such as bonds and bridges, but not the loopback
	Up      func(name string) error // sets a card up, without which it does not look at its cable; nil: it stays as it is
	Every   time.Duration           // between two looks; 0: 200 ms
	Timeout time.Duration           // of Plugged; 0: a minute
}

func (c Cards) dir() string {
	if c.Dir == "" {
		return "/sys/class/net"
	}
	return c.Dir
}

// List returns the network cards. A machine without /sys has none.
func (c Cards) List() []wizard.Card {
	entries, err := os.ReadDir(c.dir())
	if err != nil {
		return nil
	}
	var cards []wizard.Card
	for _, e := range entries {
		name := e.Name()
		if c.read(name, "type") != "1" { // ARPHRD_ETHER
			continue
		}
		driver, err := os.Readlink(filepath.Join(c.dir(), name, "device/driver"))
		if errors.Is(err, fs.ErrNotExist) && !c.All {
			continue
		}
		if c.Up != nil {
			_ = c.Up(name) // one that does not come up has no cable to be seen, and can be named
		}
		card := wizard.Card{Name: name, MAC: c.read(name, "address"), Link: c.read(name, "carrier") == "1"}
		if driver != "" {
			card.Driver = filepath.Base(driver)
		}
		cards = append(cards, card)
	}
	return cards
}

func (c Cards) read(name, file string) string {
	b, err := os.ReadFile(filepath.Join(c.dir(), name, file))
	if err != nil {
		return "" // "carrier" of a card that is down can't be read
	}
	return strings.TrimSpace(string(b))
}

// Plugged waits until one card has a link that it did not have a moment before.
func (c Cards) Plugged(ctx context.Context) (string, error) {
	every, timeout := c.Every, c.Timeout
	if every == 0 {
		every = 200 * time.Millisecond
	}
	if timeout == 0 {
		timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	before := c.linked()
	for {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no cable was plugged in within %s: unplug the card's cable, choose auto, and plug it in; or name the card", timeout)
		case <-tick.C:
		}
		now := c.linked()
		for _, name := range now {
			if !slices.Contains(before, name) {
				return name, nil
			}
		}
		before = now
	}
}

func (c Cards) linked() []string {
	var names []string
	for _, card := range c.List() {
		if card.Link {
			names = append(names, card.Name)
		}
	}
	return names
}

// SetUp sets an interface up (netdevice(7), SIOCSIFFLAGS): what a box may do with its own cards.
func SetUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket to set %s up: %w", name, err)
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r); err != nil {
		return fmt.Errorf("reading the flags of %s: %w", name, err)
	}
	if r.Uint16()&unix.IFF_UP != 0 {
		return nil
	}
	r.SetUint16(r.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r); err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	return nil
}
