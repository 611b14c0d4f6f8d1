package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/process"
)

// consoles returns the terminals that a person may sit at: those that the kernel writes its messages to, and the first
// serial line and the first screen where there are such. sys is /sys.
func consoles(sys string) (names []string) {
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	active, _ := os.ReadFile(filepath.Join(sys, "class/tty/console/active")) // a kernel without consoles has none
	for _, name := range strings.Fields(string(active)) {
		if name == "tty0" { // whichever screen is shown
			name = "tty1"
		}
		add(name)
	}
	// The driver has lines for hardware that is not there, of type 0 (PORT_UNKNOWN, serial_core.h).
	if kind, err := os.ReadFile(filepath.Join(sys, "class/tty/ttyS0/type")); err == nil && strings.TrimSpace(string(kind)) != "0" {
		add("ttyS0")
	}
	if _, err := os.Stat(filepath.Join(sys, "class/tty/tty1")); err == nil {
		add("tty1")
	}
	return names
}

// nice is how much what people do, at consoles and over the network, leaves the processor to the director.
const nice = 10

// console returns the service of a terminal. It is started again at once when somebody logs out, or hangs up.
func (s *system) console(name string) *process.Service {
	terminal := "vt220"
	if strings.HasPrefix(name, "tty") && len(name) == len("tty1") {
		terminal = "linux"
	}
	return &process.Service{
		Table: s.table, Name: "console " + name, Log: s.log.Debug, Grace: time.Second, Slowest: 2 * time.Second,
		Command: process.Command{Argv: []string{evenkeel, "console", "--login"}, Env: environment(terminal), TTY: "/dev/" + name, Nice: nice},
	}
}

// Levels of the kernel's messages that the consoles print: what is more urgent than this (syslog(2)).
const (
	printEmergencies = 1
	printWarnings    = 5
)

// logToConsole in the kernel's command line has the consoles print the log for as long as the box runs.
const logToConsole = "evenkeel.console=log"

// quiet has the kernel write nothing but emergencies over what a person at a console sees.
func (s *system) quiet() {
	text, err := os.ReadFile("/proc/cmdline")
	if err == nil && slices.Contains(strings.Fields(string(text)), logToConsole) {
		return
	}
	printLevel(printEmergencies)
}

// printLevel sets which of the kernel's messages the consoles print (syslog(2), SYSLOG_ACTION_CONSOLE_LEVEL).
func printLevel(level uintptr) {
	const consoleLevel = 8
	_, _, _ = unix.Syscall(unix.SYS_SYSLOG, consoleLevel, 0, level) // PID 1 may
}
