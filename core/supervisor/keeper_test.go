package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	later, err := time.ParseDuration(c.Action)
	if err != nil {
		return err
	}
	time.AfterFunc(later, func() { k.host.Logger.Warn("a word to the core", "instance", c.Instance) })
	return nil
}

func (k *keeper) Stop(_ context.Context, release bool) error {
	if release {
		return os.Remove(filepath.Join(k.host.Keep, "notes"))
	}
	return k.note("stopped without release")
}
