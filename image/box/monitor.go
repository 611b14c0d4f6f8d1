package box

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// Plug puts the cable of the i-th card in, or pulls it.
func (b *Box) Plug(i int, in bool) error {
	return b.monitor("set_link", map[string]any{"name": card(i), "up": in})
}

// PressPowerButton presses the button that asks the system to switch the machine off.
func (b *Box) PressPowerButton() error { return b.monitor("system_powerdown", nil) }

// monitor has QEMU do something (QEMU Machine Protocol Specification).
func (b *Box) monitor(command string, arguments map[string]any) error {
	if err := b.execute(command, arguments); err != nil {
		return fmt.Errorf("ask QEMU for %s: %w", command, err)
	}
	return nil
}

func (b *Box) execute(command string, arguments map[string]any) error {
	c, err := net.Dial("unix", filepath.Join(b.dir, "monitor"))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	type request struct {
		Execute   string         `json:"execute"`
		Arguments map[string]any `json:"arguments,omitempty"`
	}
	replies, requests := json.NewDecoder(c), json.NewEncoder(c)
	for _, r := range []request{{"qmp_capabilities", nil}, {command, arguments}} {
		if err := requests.Encode(r); err != nil {
			return err
		}
		for answered := false; !answered; { // the greeting and events come in between
			var reply struct {
				Return *json.RawMessage
				Error  *struct{ Desc string }
			}
			if err := replies.Decode(&reply); err != nil {
				return err
			}
			if reply.Error != nil {
				return fmt.Errorf("%s", reply.Error.Desc)
			}
			answered = reply.Return != nil
		}
	}
	return nil
}
