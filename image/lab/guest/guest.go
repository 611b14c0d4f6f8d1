// Package guest is what runs inside a virtual machine of the lab: PID 1, which makes the bare kernel habitable, and the
// agent, which does what the host says over a serial line (package wire).
package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/lab/wire"
)

// NodeFile is where a machine finds what it is to be.
const NodeFile = "/etc/evenkeel-lab/node.json"

// ModuleDir is where the image has the kernel's modules, in one folder without subfolders.
const ModuleDir = "/lib/modules"

// A Node is what NodeFile says.
type Node struct {
	Hostname string
	Modules  []string // module files below ModuleDir/RELEASE to load, in this order
	Sysctls  []string // "net.ipv4.ip_forward=1"
	Setup    string   // a shell script, run before the agent reports
	Line     string   // the agent's line: "/dev/ttyS0", or "virtio:NAME" for a virtio serial port
}

// IsInit says whether this process is the first of a machine of the lab, started by the kernel from its initial file system.
func IsInit() bool {
	if os.Getpid() != 1 {
		return false
	}
	_, err := os.Stat(NodeFile)
	return err == nil
}

// Init is the machine's life: it never returns. Where it can't go on it says why on the console and powers off.
func Init() {
	err := boot()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab: boot:", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func boot() error {
	if err := mounts(); err != nil {
		return err
	}
	os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	os.Setenv("HOME", "/root")
	b, err := os.ReadFile(NodeFile)
	if err != nil {
		return err
	}
	var node Node
	if err := json.Unmarshal(b, &node); err != nil {
		return fmt.Errorf("read %s: %w", NodeFile, err)
	}
	var warnings []string
	warn := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
			warnings = append(warnings, err.Error())
		}
	}
	warn(unix.Sethostname([]byte(node.Hostname)))
	// The kernel gives PID 1 small limits; a daemon on a real system has systemd's.
	warn(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 16, Max: 1 << 19}))
	for _, m := range node.Modules {
		warn(loadModule(m))
	}
	warn(shell("ip link set lo up"))
	for _, s := range node.Sysctls {
		warn(sysctl(s))
	}
	if node.Setup != "" {
		warn(shell(node.Setup))
	}
	os.Setenv("LAB_WARNING", strings.Join(warnings, "; "))
	return supervise(node.Line)
}

// mounts makes the file systems that programs expect.
func mounts() error {
	for _, m := range []struct{ kind, dir, options string }{
		{"proc", "/proc", ""},
		{"sysfs", "/sys", ""},
		{"devtmpfs", "/dev", ""},
		{"devpts", "/dev/pts", ""},
		{"tmpfs", "/dev/shm", ""},
		{"tmpfs", "/run", "mode=755"},
		{"tmpfs", "/tmp", ""},
		{"cgroup2", "/sys/fs/cgroup", ""},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil && m.kind != "cgroup2" {
			return err
		}
		// A kernel without control groups is one to live with; the others are not.
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, m.options); err != nil && m.kind != "cgroup2" {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	return nil
}

// loadModule loads one module file; its dependencies are loaded already. One that is there is no error.
func loadModule(file string) error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	f, err := os.Open(ModuleDir + "/" + unix.ByteSliceToString(u.Release[:]) + "/" + file)
	if err != nil {
		return fmt.Errorf("load a module: %w", err)
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && err != unix.EEXIST {
		return fmt.Errorf("load module %s: %w", file, err)
	}
	return nil
}

// sysctl sets one, as sysctl(8) -w does.
func sysctl(s string) error {
	key, value, _ := strings.Cut(s, "=")
	if err := os.WriteFile("/proc/sys/"+strings.ReplaceAll(key, ".", "/"), []byte(value), 0); err != nil {
		return fmt.Errorf("set sysctl %s: %w", s, err)
	}
	return nil
}

func shell(script string) error {
	if out, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput(); err != nil {
		return fmt.Errorf("run %q: %w: %s", script, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// supervise starts the agent and reaps every process that ends, until it is the agent. PID 1 does not run the agent itself,
// so that orphans can be reaped without stealing the exit status of the agent's own children.
func supervise(line string) error {
	agent, err := os.StartProcess("/proc/self/exe", []string{"agent", "agent", line}, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{nil, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for processes: %w", err)
		}
		if pid == agent.Pid && status.ExitStatus() != 0 {
			return fmt.Errorf("the agent ended: %+v", status)
		}
		if pid == agent.Pid {
			return nil
		}
	}
}

// greeting says that the machine is up.
func greeting() wire.Greeting {
	g := wire.Greeting{Warning: os.Getenv("LAB_WARNING")}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		g.Release = unix.ByteSliceToString(u.Release[:])
	}
	if b, err := os.ReadFile("/proc/uptime"); err == nil {
		first, _, _ := strings.Cut(string(b), " ")
		g.Uptime, _ = strconv.ParseFloat(first, 64)
	}
	return g
}
