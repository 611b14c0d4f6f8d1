package lab

import (
	"fmt"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// umlCommand is the command line of a User Mode Linux machine: the kernel is a program of the host. Its console goes to
// standard output, its first serial line is descriptor 3 (arch/um/drivers/ssl.c, "fd:" channels).
func umlCommand(k kernel, o VMOptions, memory int, initrd, runDir string, nics []nic) *exec.Cmd {
	args := []string{
		fmt.Sprintf("mem=%dM", memory), "initrd=" + initrd,
		"con=null", "con0=null,fd:1", "ssl=null", "ssl0=fd:3",
		"quiet", "panic=-1", "umid=" + o.Name, "uml_dir=" + runDir,
	}
	for i, n := range nics {
		args = append(args, fmt.Sprintf("vec%d:transport=tap,ifname=%s,depth=128,gro=1,mac=%s", i, n.tap, n.mac))
	}
	cmd := exec.Command(k.image, args...)
	// The machine's memory is a file there: it must be a tmpfs to be quick.
	temp := runDir
	var fs unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &fs); err == nil && int(fs.Bavail>>20)*int(fs.Bsize) > memory {
		temp = "/dev/shm"
	}
	cmd.Env = []string{"TMPDIR=" + temp, "PATH=/usr/sbin:/usr/bin:/sbin:/bin:" + filepath.Join(filepath.Dir(k.image), "../lib/uml")}
	return cmd
}
