package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A keeper is a vrrp plugin that holds no address. It writes down in its folder which processes it was, and how they were
// stopped.
type keeper struct{ host sdk.Host }

func openKeeper(h sdk.Host) (sdk.VRRP, error) {
	k := &keeper{h}
	return k, k.note(fmt.Sprintf("process %d", os.Getpid()))
}

func (k *keeper) note(line string) error {
	f, err := os.OpenFile(filepath.Join(k.host.Keep, "notes"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

func (k *keeper) Apply(context.Context, []sdk.VRRPInstance) error { return nil }

func (k *keeper) Watch(ctx context.Context, report func(sdk.VRRPReport)) error {
	report(sdk.VRRPReport{Snapshot: true})
	<-ctx.Done()
	return ctx.Err()
}

// Status says what the plugin's folder has.
func (k *keeper) Status(context.Context) (sdk.VRRPStatus, error) {
	b, err := os.ReadFile(filepath.Join(k.host.Keep, "notes"))
	return sdk.VRRPStatus{Privileges: strings.TrimSpace(string(b))}, err
}

// Command logs, now or in a while.
func (k *keeper) Command(_ context.Context, c sdk.VRRPCommand) error {
	if c.Action == "privileges" {
		return deadlines()
	}
	later, err := time.ParseDuration(c.Action)
	if err != nil {
		return err
	}
	time.AfterFunc(later, func() { k.host.Logger.Warn("a word to the core", "instance", c.Instance) })
	return nil
}

// deadlines tries what a vrrp plugin needs: memory that is locked, real-time priority, raw sockets, and settings of the
// network, on the loopback interface as they are.
func deadlines() error {
	var errs []error
	try := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	try("mlockall", unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE))
	try("SCHED_RR", unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0))
	for what, kind := range map[string][3]int{
		"a raw socket": {unix.AF_INET, unix.SOCK_RAW, 112}, "a packet socket": {unix.AF_PACKET, unix.SOCK_RAW, 0},
	} {
		fd, err := unix.Socket(kind[0], kind[1]|unix.SOCK_CLOEXEC, kind[2])
		try(what, err)
		if err == nil {
			unix.Close(fd)
		}
	}
	const setting = "/proc/sys/net/ipv4/conf/lo/arp_ignore"
	b, err := os.ReadFile(setting)
	try("reading a setting", err)
	if err == nil {
		try("writing a setting", os.WriteFile(setting, b, 0))
	}
	return errors.Join(errs...)
}

func (k *keeper) Stop(_ context.Context, release bool) error {
	if release {
		return os.Remove(filepath.Join(k.host.Keep, "notes"))
	}
	return k.note("stopped without release")
}
