// Init is /init of the initramfs, PID 1 of the box, and under their names modprobe, reboot and poweroff.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/evenkeel/evenkeel/appliance/boot"
)

func main() {
	err := run(os.Args)
	if err == nil {
		return
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, filepath.Base(os.Args[0])+":", err)
		os.Exit(1)
	}
	boot.OpenLog("init").Error("%v: starting again", err)
	time.Sleep(500 * time.Millisecond) // for a serial line to say it
	os.Exit(1)                         // the kernel panics, starts again after some seconds, and GRUB has counted
}

func run(args []string) error {
	switch name := filepath.Base(args[0]); {
	case name == "modprobe":
		return boot.Modprobe(args[1:])
	case name == "reboot", name == "poweroff":
		return boot.Stop(name)
	case os.Getpid() != 1:
		return fmt.Errorf("this is what a box starts with: it does nothing else than that")
	case args[0] == "/init":
		return boot.Initramfs()
	}
	return boot.System()
}
