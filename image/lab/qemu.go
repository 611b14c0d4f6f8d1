package lab

import (
	"fmt"
	"os/exec"
	"strconv"
)

// virtioPort is the name of the serial port that carries the agent's line under QEMU.
const virtioPort = "evenkeel.lab"

// qemuCommand is the command line of a QEMU machine. Always software emulation, so that a machine with KVM and one without
// test the same.
func qemuCommand(k kernel, _ VMOptions, memory int, initrd, _ string, nics []nic) *exec.Cmd {
	args := []string{
		"-M", "pc", "-accel", "tcg", "-smp", "1", "-m", strconv.Itoa(memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
		"-chardev", "socket,id=agent,fd=3",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=" + virtioPort,
		"-kernel", k.image, "-initrd", initrd,
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off nokaslr net.ifnames=0 tsc=reliable no_timer_check random.trust_cpu=on",
	}
	for i, n := range nics {
		args = append(args,
			"-netdev", fmt.Sprintf("tap,id=n%d,ifname=%s,script=no,downscript=no,vhost=off", i, n.tap),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=n%d,mac=%s,romfile=", i, n.mac))
	}
	return exec.Command("qemu-system-x86_64", args...)
}
