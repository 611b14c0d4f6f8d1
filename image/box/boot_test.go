package box_test

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/image/box"
)

// configuration is a virtual server whose only real server refuses.
const configuration = `virtual_server "web" {
  address   = "192.0.2.80:80"
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  check "tcp" {
    interval = "1s"
    timeout  = "1s"
  }

  real_server "127.0.0.1:9" { weight = 1 }
}
`

// TestImageBootsFromEveryFirmwareAndBalances starts each box twice: new, with a configuration on a disk, and again without that disk.
func TestImageBootsFromEveryFirmwareAndBalances(t *testing.T) {
	for _, c := range []struct {
		firmware box.Firmware
		memory   int
	}{{box.BIOS, 256}, {box.UEFI, 512}, {box.SecureBoot, 512}} {
		t.Run(string(c.firmware), func(t *testing.T) { // alone, since what it measures is printed
			o := box.Options{Disk: newLoggingDisk(t), Firmware: c.firmware, Memory: c.memory, Volumes: []string{cidata(t, configuration)}}
			first := boot(t, o)
			menu := first.says(`slot A, tries left: A 2, B 0`)
			first.says(`making the data partition`)
			first.says(`CIDATA`)
			first.balances(o, menu, "new")
			first.says(`check: subject=web/127.0.0.1:9/tcp from=unknown to=down .*connection refused`)
			first.CutPower()

			o.Volumes = nil
			second := boot(t, o)
			menu = second.says(`slot A, tries left: A 1, B 0`)
			second.balances(o, menu, "again")
		})
	}
}

// balances waits until the table of a box is programmed, and measures how long that takes from power-on.
func (s *session) balances(o box.Options, menu box.Line, what string) {
	s.t.Helper()
	up := s.says(`evenkeel \S+, slot A, kernel \S+, up after`)
	table := s.says(`the table is in place: writes=1`)
	measured.add(fmt.Sprintf("%s, %d MiB, %s, power-on to", o.Firmware, o.Memory, what), "boot loader %.1f s, console %.1f s, programmed table %.1f s",
		menu.After.Seconds(), up.After.Seconds(), table.After.Seconds())
}
