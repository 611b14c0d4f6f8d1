package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/apt"
)

// Programs of the host that a lab cannot do without.
const (
	busybox = "/bin/busybox"
	ipvsadm = "/usr/sbin/ipvsadm"
)

// tools are the programs that must be installed, and Debian's packages that have them.
var tools = []struct {
	program, pkg string
	kind         Kind // "": every lab
}{
	{"ip", "iproute2", ""},
	{busybox, "busybox-static", ""},
	{ipvsadm, "ipvsadm", ""},
	{"ldd", "libc-bin", ""},
	{"qemu-system-x86_64", "qemu-system-x86", QEMU},
}

// A store is the folder that keeps kernels and images.
type store struct{ dir string }

// openStore returns $EVENKEEL_LAB, or evenkeel/lab in the user's cache folder.
func openStore() (store, error) {
	if d := os.Getenv("EVENKEEL_LAB"); d != "" {
		return store{d}, nil
	}
	d, err := os.UserCacheDir() // $XDG_CACHE_HOME, or $HOME/.cache
	if err != nil {
		return store{}, fmt.Errorf("where to keep the lab's kernels: %w", err)
	}
	return store{filepath.Join(d, "evenkeel", "lab")}, nil
}

// A kernel is one that boots, and its modules.
type kernel struct {
	kind           Kind
	image, modules string
}

// kernel returns the kernel of a kind, or an error that says how to get it.
func (s store) kernel(kind Kind) (kernel, error) {
	k := kernel{kind: kind}
	image, modules := "uml/usr/bin/linux.uml", "uml/usr/lib/uml/modules/*"
	if kind == QEMU {
		image, modules = "qemu/boot/vmlinuz-*", "qemu/lib/modules/*"
	}
	for _, p := range []struct {
		pattern string
		to      *string
	}{{image, &k.image}, {modules, &k.modules}} {
		found, err := filepath.Glob(filepath.Join(s.dir, p.pattern))
		if err != nil || len(found) != 1 {
			return k, fmt.Errorf("no kernel for %s machines in %s: run evenkeel-lab setup", kind, s.dir)
		}
		*p.to = found[0]
	}
	return k, nil
}

// Check says in one line why no lab of these kinds can be made here, or nil. No kind means all of them.
func Check(kinds ...Kind) error {
	if len(kinds) == 0 {
		kinds = []Kind{UML, QEMU}
	}
	if os.Geteuid() != 0 {
		return errors.New("a lab needs root, for network namespaces and tap devices")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("a lab needs tap devices: %w", err)
	}
	if missing := missingPackages(kinds); len(missing) > 0 {
		return fmt.Errorf("a lab needs Debian packages that are not here: apt-get install %s", strings.Join(missing, " "))
	}
	s, err := openStore()
	if err != nil {
		return err
	}
	for _, k := range kinds {
		if _, err := s.kernel(k); err != nil {
			return err
		}
	}
	return nil
}

func missingPackages(kinds []Kind) (missing []string) {
	for _, t := range tools {
		if t.kind != "" && !contains(kinds, t.kind) {
			continue
		}
		if _, err := exec.LookPath(t.program); err != nil {
			missing = append(missing, t.pkg)
		}
	}
	return missing
}

func contains(kinds []Kind, k Kind) bool {
	for _, e := range kinds {
		if e == k {
			return true
		}
	}
	return false
}

// Setup gets what labs of these kinds need (no kind: all of them): the Debian packages of the tools are installed, those of
// the kernels only downloaded and unpacked into the store. What is there already is not got again. It says on progress
// what it is doing.
func Setup(ctx context.Context, progress io.Writer, kinds ...Kind) error {
	if len(kinds) == 0 {
		kinds = []Kind{UML, QEMU}
	}
	s, err := openStore()
	if err != nil {
		return err
	}
	missing := missingPackages(kinds)
	if os.Geteuid() != 0 {
		if len(missing) > 0 {
			return fmt.Errorf("a lab needs root, and these Debian packages: apt-get install %s", strings.Join(missing, " "))
		}
		return Check(kinds...)
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(s.dir, "lock"), unix.LOCK_EX) // nobody else sets it up meanwhile
	if err != nil {
		return err
	}
	defer lock.Close()
	a := apt.Source{Progress: progress}
	if len(missing) > 0 {
		fmt.Fprintf(progress, "installing %s\n", strings.Join(missing, " "))
		if err := a.Install(ctx, missing); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		if _, err := s.kernel(k); err == nil {
			continue
		}
		pkg := "user-mode-linux"
		if k == QEMU {
			if pkg, err = a.Dependency(ctx, "linux-image-cloud-amd64"); err != nil {
				return err
			}
		}
		fmt.Fprintf(progress, "downloading %s\n", pkg)
		if err := a.Unpack(ctx, pkg, filepath.Join(s.dir, string(k))); err != nil {
			return err
		}
	}
	return Check(kinds...)
}
