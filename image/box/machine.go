package box

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Firmware is what starts the boot loader.
type Firmware string

// The firmwares: SeaBIOS, and Debian's OVMF without Secure Boot and with it and the keys of Microsoft.
const (
	BIOS       Firmware = "BIOS"
	UEFI       Firmware = "UEFI"
	SecureBoot Firmware = "Secure Boot"
)

// ovmf is where Debian's package ovmf has its files.
const ovmf = "/usr/share/OVMF/"

// arguments are those of QEMU. dir is for the box's own files.
func arguments(o Options, dir string) ([]string, error) {
	machine := "q35,accel=tcg"
	var firmware []string
	if o.Firmware != BIOS {
		code, vars := "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"
		if o.Firmware == SecureBoot {
			code, vars = "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"
			machine += ",smm=on"
			firmware = append(firmware, "-global", "driver=cfi.pflash01,property=secure,value=on")
		}
		// What the firmware remembers is this box's own.
		data, err := os.ReadFile(ovmf + vars)
		if err != nil {
			return nil, fmt.Errorf("%s: %w (Debian's package ovmf has it)", o.Firmware, err)
		}
		own := filepath.Join(dir, "vars")
		if err := os.WriteFile(own, data, 0o600); err != nil {
			return nil, err
		}
		firmware = append(firmware,
			"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+ovmf+code,
			"-drive", "if=pflash,format=raw,unit=1,file="+own)
	}
	args := append([]string{
		"-machine", machine, "-cpu", "max", "-m", strconv.Itoa(o.Memory), "-nodefaults", "-display", "none", "-vga", "std",
		"-chardev", "socket,id=serial,server=on,wait=on,path=" + filepath.Join(dir, "serial"), "-serial", "chardev:serial",
		"-qmp", "unix:" + filepath.Join(dir, "monitor") + ",server=on,wait=off",
		"-device", "virtio-rng-pci", "-device", "i6300esb",
	}, firmware...)
	for i, disk := range append([]string{o.Disk}, o.Volumes...) {
		id := "disk" + strconv.Itoa(i)
		args = append(args, "-drive", "if=none,format=raw,cache=unsafe,id="+id+",file="+disk,
			"-device", fmt.Sprintf("virtio-blk-pci,drive=%s,bootindex=%d", id, i+1))
	}
	cards := o.Cards
	if cards == nil {
		cards = []Card{{}}
	}
	for i, c := range cards {
		args = append(args, c.arguments(i)...)
	}
	return append(args, o.Args...), nil
}

func (c Card) arguments(i int) []string {
	wire := fmt.Sprintf("user,id=wire%d,restrict=on", i)
	if c.Tap != "" {
		wire = fmt.Sprintf("tap,id=wire%d,ifname=%s,script=no,downscript=no,vhost=off", i, c.Tap)
	}
	model := c.Model
	if model == "" {
		model = "virtio-net-pci"
	}
	device := fmt.Sprintf("%s,id=%s,netdev=wire%d,romfile=", model, card(i), i) // no romfile: it does not boot from the network
	if c.MAC != "" {
		device += ",mac=" + c.MAC
	}
	return []string{"-netdev", wire, "-device", device}
}

// card is what QEMU calls the i-th card.
func card(i int) string { return "card" + strconv.Itoa(i) }
