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

func TestImageBootsFromEveryFirmwareAndBalances(t *testing.T) {
	for _, c := range []struct {
		firmware box.Firmware
		memory   int
	}{{box.BIOS, 256}, {box.UEFI, 512}, {box.SecureBoot, 512}} {
		t.Run(string(c.firmware), func(t *testing.T) { // alone, since what it measures is printed
			s := boot(t, box.Options{Disk: newLoggingDisk(t), Firmware: c.firmware, Memory: c.memory, Volumes: []string{cidata(t, configuration)}})
			menu := s.says(`slot A, tries left: A 2, B 0`)
			s.says(`CIDATA`)
			up := s.says(`evenkeel \S+, slot A, kernel \S+, up after`)
			table := s.says(`the table is in place: writes=1`)
			s.says(`check: subject=web/127.0.0.1:9/tcp from=unknown to=down .*connection refused`)
			measured.add(fmt.Sprintf("%s, %d MiB, power-on to", c.firmware, c.memory), "boot loader %.1f s, console %.1f s, programmed table %.1f s",
				menu.After.Seconds(), up.After.Seconds(), table.After.Seconds())
		})
	}
}

func TestImageKeepsItsConfigurationOnItsOwnPartition(t *testing.T) {
	t.Parallel()
	disk := newLoggingDisk(t)
	first := boot(t, box.Options{Disk: disk, Volumes: []string{cidata(t, configuration)}})
	first.says(`making the data partition`)
	first.says(`the table is in place`)
	first.CutPower()

	second := boot(t, box.Options{Disk: disk})
	second.says(`slot A, tries left`)
	second.says(`evenkeel \S+, slot A`)
	second.says(`the table is in place`)
}
