package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/boot"
	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/slot"
	"github.com/evenkeel/evenkeel/appliance/update"
)

const (
	defaultKeys = "/etc/evenkeel-keys" // minisign public keys of who may make updates
	dataFolder  = "/data"
	updateBook  = dataFolder + "/update"
)

// newUpdate puts a new system into a box.
func newUpdate(socket *string) *cobra.Command {
	var force, stay, pair bool
	var keys string
	var peer netip.Addr
	c := &cobra.Command{
		Use:   "update FILE|stick:FILE|URL",
		Short: "Put a new version into the slot of a box that does not run, and start it",
		Long: `Put a new version into the slot of a box that does not run, and start the box again with it. The update must be signed by a key of
this box. If the new version does not come up in three tries, the one that runs now comes back by itself, and the version is
not taken again without --force.

With --pair both directors of a pair get it: the other one first, and this one when the other is well again and has taken over
what this one serves. If anything fails before that, this one is not touched. The two have to have been paired (evenkeel pair).`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if pair {
				return updatePair(cmd.Context(), out, args[0], keys, *socket, peer, force)
			}
			bundle, in, err := openUpdate(cmd.Context(), args[0], keys)
			if err != nil {
				return err
			}
			defer in.Close()
			d, running, err := thisBox()
			if err != nil {
				return err
			}
			i := telling(installer(d, running), func(s string) { fmt.Fprintln(out, s) })
			fmt.Fprintf(out, "version %s into slot %s, %d MiB\n", bundle.Manifest.Version, running.Other(), bundle.Manifest.Size>>20)
			if err := i.Install(cmd.Context(), bundle, force); err != nil {
				return err
			}
			if stay {
				_, err := fmt.Fprintln(out, "the next start of the box tries it")
				return err
			}
			fmt.Fprintln(out, "starting again")
			return restart()
		},
	}
	c.Flags().BoolVar(&force, "force", false, "also a version that has failed here before")
	c.Flags().BoolVar(&stay, "no-restart", false, "the next start of the box, whenever that is, tries it")
	c.Flags().BoolVar(&pair, "pair", false, "update both directors of the pair, one after the other")
	c.Flags().TextVar(&peer, "peer", netip.Addr{}, "with --pair: address of the other director, if it is not the one that it was paired with any more")
	c.MarkFlagsMutuallyExclusive("pair", "no-restart")
	c.Flags().StringVar(&keys, "keys", defaultKeys, "folder of the keys that updates must be signed by")
	return c
}

// newFactoryReset forgets everything.
func newFactoryReset() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "factory-reset", Short: "Have a box forget its configuration, passwords, keys and logs, and start again", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !yes {
				return errors.New("this removes everything that was told to the box; --yes does it")
			}
			if _, _, err := thisBox(); err != nil {
				return err
			}
			if err := update.ResetLater(dataFolder); err != nil {
				return err
			}
			return restart()
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	return c
}

// errNoBox is of a Linux that is none.
var errNoBox = errors.New("this is no box that was started from one of its slots")

// thisBox finds the disk and the slot that the box was started from.
func thisBox() (update.Box, update.Slot, error) {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return update.Box{}, "", err
	}
	start, err := boot.ParseCommandLine(string(text))
	if err != nil {
		return update.Box{}, "", errNoBox
	}
	d, err := disk.Below("/sys", "/dev", slot.Mapped)
	if err != nil {
		return update.Box{}, "", fmt.Errorf("finding the disk of this box: %w", err)
	}
	return update.Box{Disk: d}, update.Slot(start.Slot), nil
}

// startOfBox is what a start of a box has to do about updates and the factory reset, before anything uses the data partition.
// Elsewhere there is nothing to do.
func startOfBox(out io.Writer) error {
	d, running, err := thisBox()
	if errors.Is(err, errNoBox) {
		return nil
	} else if err != nil {
		return err
	}
	if done, err := update.Reset(dataFolder); err != nil {
		return err
	} else if done {
		fmt.Fprintln(out, "the box has forgotten everything, as it was told to")
	}
	damaged, mending := d.MendCounter(running)
	if damaged != "" && mending == nil {
		fmt.Fprintf(out, "the boot counter was damaged, %s: it is mended\n", damaged)
	}
	o, err := update.Started(d, running, update.Book{Dir: updateBook}, time.Now())
	if s := o.String(); s != "" {
		fmt.Fprintln(out, s)
	}
	return errors.Join(mending, err)
}

// goodBox notes that the running version has proved itself.
func goodBox() error {
	d, running, err := thisBox()
	if errors.Is(err, errNoBox) {
		return nil
	} else if err != nil {
		return err
	}
	return update.Good(d, running, update.Book{Dir: updateBook})
}

// mostSilence is how long a server may send nothing.
const mostSilence = time.Minute

// errSilent is of a server that stops sending.
var errSilent = fmt.Errorf("the server has sent nothing for %v", mostSilence)

// fetch opens an update. A server that stops sending is given up after a while.
func fetch(ctx context.Context, from string) (io.ReadCloser, error) {
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		f, err := openFrom(from)
		if err != nil {
			return nil, fmt.Errorf("opening the update: %w", err)
		}
		return f, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &impatient{ctx: ctx, cancel: cancel, idle: time.AfterFunc(mostSilence, func() { cancel(errSilent) })}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		r.end()
		return nil, fmt.Errorf("fetching the update: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err == nil && res.StatusCode != http.StatusOK {
		res.Body.Close()
		err = fmt.Errorf("%s says %s", req.URL.Host, res.Status)
	}
	if err != nil {
		err = r.reason(err)
		r.end()
		return nil, fmt.Errorf("fetching the update: %w", err)
	}
	r.body = res.Body
	return r, nil
}

// An impatient reader ends when nothing came for a while.
type impatient struct {
	body   io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   *time.Timer
}

func (r *impatient) Read(b []byte) (int, error) {
	n, err := r.body.Read(b)
	r.idle.Reset(mostSilence)
	return n, r.reason(err)
}

// reason says why, if it was not the server that ended it.
func (r *impatient) reason(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Cause(r.ctx)
	}
	return err
}

func (r *impatient) end() {
	r.idle.Stop()
	r.cancel(nil)
}

func (r *impatient) Close() error {
	defer r.end()
	return r.body.Close()
}

// telling has an installer say how far it is.
func telling(i update.Installer, say func(string)) update.Installer {
	i.Progress = tenths(say)
	i.Busy = func() {
		say(fmt.Sprintf("slot %s is being written already, by the box that mends it or by another update: waiting", i.Running.Other()))
	}
	return i
}

// tenths says each tenth of what was done.
func tenths(say func(string)) func(string, int64, int64) {
	last := ""
	return func(what string, done, all int64) {
		if now := fmt.Sprintf("%s %d%%", what, done*10/all*10); now != last {
			last = now
			say(now)
		}
	}
}

// restart asks init to start the machine again in order, as SIGTERM does (cmd/init).
func restart() error {
	unix.Sync()
	if err := syscall.Kill(1, syscall.SIGTERM); err != nil {
		return fmt.Errorf("asking init to start the box again: %w", err)
	}
	return nil
}
