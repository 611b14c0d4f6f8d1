package lab

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// runDir has a folder for each lab that is up.
const runDir = "/run/evenkeel-lab"

// The bridges of a fabric.
const (
	Front = "br0" // 10.77.0.0/24 and fd00:77::/64, where the clients are
	Back  = "br1" // 10.77.1.0/24 and fd00:77:1::/64, behind the directors
)

// A fabric is the wiring of one lab: a namespace with the bridges, and a folder that says whose it is.
type fabric struct {
	id   string // begins the name of everything the lab makes
	dir  string
	lock *os.File
	core namespace

	mu    sync.Mutex
	hosts []*Host
	taps  map[string]bool
}

// A nic is a network interface of a machine, as the fabric knows it.
type nic struct{ tap, mac string }

func newFabric(ctx context.Context) (*fabric, error) {
	if err := os.MkdirAll(runDir, 0o700); err != nil {
		return nil, err
	}
	door, err := lockFile(filepath.Join(runDir, "lock"), unix.LOCK_EX) // one lab after the other comes in
	if err != nil {
		return nil, err
	}
	defer door.Close()
	removeLeftovers(ctx)
	var b [3]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	f := &fabric{id: "evk" + hex.EncodeToString(b[:]), taps: map[string]bool{}}
	f.dir = filepath.Join(runDir, f.id)
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		return nil, err
	}
	// The lock ends with this process, however it ends: so the next lab knows what is left over.
	if f.lock, err = lockFile(filepath.Join(f.dir, "lock"), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, err
	}
	fmt.Fprintf(f.lock, "%d\n", os.Getpid()) // for people
	if f.core, err = makeNamespace(ctx, f.id+"-fabric"); err != nil {
		return nil, errors.Join(err, f.close())
	}
	for _, b := range []string{Front, Back} {
		if err := f.core.ip(ctx, "link", "add", b, "up", "type", "bridge", "mcast_snooping", "0"); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	return f, nil
}

// host adds a namespace with eth0 on a bridge.
func (f *fabric) host(ctx context.Context, name, bridge string, addresses ...string) (*Host, error) {
	ns, err := makeNamespace(ctx, f.id+"-"+name)
	if err != nil {
		return nil, err
	}
	h := &Host{name: name, ns: ns}
	f.mu.Lock()
	f.hosts = append(f.hosts, h)
	f.mu.Unlock()
	if err := ip(ctx, "link", "add", "eth0", "address", mac(name+"/eth0"), "netns", string(ns), "type", "veth",
		"peer", "name", name, "netns", string(f.core)); err != nil {
		return nil, err
	}
	if err := f.core.ip(ctx, "link", "set", name, "master", bridge, "up"); err != nil {
		return nil, err
	}
	if err := ns.ip(ctx, "link", "set", "eth0", "up"); err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if err := h.addAddress(ctx, a, "eth0"); err != nil {
			return nil, err
		}
	}
	if err := f.core.carries(ctx, name); err != nil {
		return nil, err
	}
	return h, ns.carries(ctx, "eth0")
}

// addAddress adds an address at once, without asking the network whether somebody has it.
func (h *Host) addAddress(ctx context.Context, prefix, dev string) error {
	args := []string{"addr", "add", prefix, "dev", dev}
	if strings.Contains(prefix, ":") {
		args = append(args, "nodad")
	}
	return h.ns.ip(ctx, args...)
}

// nic returns a tap device on a bridge for a machine's interface, the same for the machine's next life.
func (f *fabric) nic(ctx context.Context, machine string, i int, bridge string) (nic, error) {
	n := nic{tap: machine + "e" + strconv.Itoa(i), mac: mac(machine + "/eth" + strconv.Itoa(i))}
	f.mu.Lock()
	there := f.taps[n.tap]
	f.taps[n.tap] = true
	f.mu.Unlock()
	if there {
		return n, nil
	}
	if err := f.core.ip(ctx, "tuntap", "add", n.tap, "mode", "tap"); err != nil {
		return n, err
	}
	return n, f.core.ip(ctx, "link", "set", n.tap, "master", bridge, "up")
}

// mac makes a hardware address from a name, so that a machine that comes back has the one it had: with another one its
// neighbours send to the old one until their entry times out.
func mac(name string) string {
	h := sha256.Sum256([]byte(name))
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", h[0], h[1], h[2])
}

// close removes everything that the fabric has made.
func (f *fabric) close() error {
	err := removeNamespaces(f.id)
	if e := os.RemoveAll(f.dir); e != nil {
		err = errors.Join(err, e)
	}
	f.lock.Close()
	return err
}

// removeNamespaces removes the network namespaces of a lab and the processes in them. It does not stop half-way because a
// context has ended.
func removeNamespaces(id string) error {
	var errs []error
	names, err := filepath.Glob(filepath.Join(netnsDir, id+"-*"))
	if err != nil {
		return err
	}
	for _, file := range names {
		name := filepath.Base(file)
		out, _ := exec.Command("ip", "netns", "pids", name).Output()
		for _, p := range strings.Fields(string(out)) {
			if pid, err := strconv.Atoi(p); err == nil && pid != os.Getpid() {
				_ = unix.Kill(pid, unix.SIGKILL) // it may be gone already
			}
		}
		errs = append(errs, ip(context.Background(), "netns", "delete", name))
	}
	return errors.Join(errs...)
}

// removeLeftovers removes what labs left behind whose process is gone: those whose lock is free.
func removeLeftovers(ctx context.Context) {
	dirs, _ := filepath.Glob(filepath.Join(runDir, "evk*"))
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return
		}
		lock, err := lockFile(filepath.Join(dir, "lock"), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			continue // its process lives
		}
		_ = removeNamespaces(filepath.Base(dir)) // what can't be removed now is tried again by the next lab
		os.RemoveAll(dir)
		lock.Close()
	}
}

// lockFile opens a file, which is made if need be, and locks it until it is closed.
func lockFile(name string, how int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}
