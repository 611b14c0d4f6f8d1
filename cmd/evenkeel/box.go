package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/boot"
	"github.com/evenkeel/evenkeel/appliance/health"
	"github.com/evenkeel/evenkeel/appliance/heartbeat"
	"github.com/evenkeel/evenkeel/appliance/network"
	"github.com/evenkeel/evenkeel/appliance/ntp"
	"github.com/evenkeel/evenkeel/appliance/syslog"
	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/hcl/config"
)

// newBox is the process of a box beside "evenkeel run".
func newBox(socket *string) *cobra.Command {
	b := &box{archive: archive.Archive{Check: checkFolder}, log: hclog.New(&hclog.LoggerOptions{Name: "box", Output: os.Stderr})}
	var resolvConf, leases, logs string
	c := &cobra.Command{
		Use:   "box",
		Short: "Keep the box itself as its appliance block says: network, clock, logs; its init starts this",
		Long: `Keep the box itself as the appliance block of its configuration says: network, clock and logs. While evenkeel answers, or there is
no configuration yet, it writes a heartbeat, which its init feeds the watchdog by.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			b.socket = *socket
			b.limit.Store(int64(heartbeat.DefaultLimit))
			b.network = &network.Keeper{Log: b.log, Files: network.Files{ResolvConf: resolvConf}, LeaseDir: leases}
			b.clock = &ntp.Client{Clock: ntp.Kernel{}, Log: b.log}
			b.file = &syslog.File{Dir: logs, Most: 4 << 20}
			return b.run(ctx)
		},
	}
	f := c.Flags()
	f.StringVar(&b.archive.Dir, "dir", defaultArchive, "where the configuration is kept")
	f.StringVar(&b.beat.File, "heartbeat", heartbeat.DefaultFile, "the file of the heartbeat")
	f.StringVar(&b.state, "state", defaultBoxState, "the file that says how network and clock are, for \"evenkeel network\" and \"evenkeel time\"")
	f.StringVar(&resolvConf, "resolv-conf", "/run/resolv.conf", "where the name servers are written")
	f.StringVar(&b.kept, "kept", defaultState, "folder in which evenkeel run keeps the last good configuration")
	f.StringVar(&leases, "leases", "/run/evenkeel/leases", "folder for what DHCP servers have said")
	f.StringVar(&logs, "logs", "/data/log", "folder for the log that survives a restart")
	return c
}

// isBox says whether this system is a box, which was started from a slot: "evenkeel box" carries out its appliance block.
func isBox() bool {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return false
	}
	_, err = boot.ParseCommandLine(string(text))
	return err == nil
}

// A box is what "evenkeel box" keeps.
type box struct {
	archive archive.Archive
	socket  string
	state   string // the file that says how the box is
	log     hclog.Logger
	network *network.Keeper
	clock   *ntp.Client
	file    *syslog.File
	beat    heartbeat.Beat
	kept    string       // folder in which evenkeel run keeps the last good configuration
	limit   atomic.Int64 // after which a box that hangs is reset, a time.Duration

	mu    sync.Mutex
	ill   error     // why evenkeel does not do its work
	since time.Time // for as long
}

func (b *box) run(ctx context.Context) error {
	messages := make(chan syslog.Message, 1000)
	servers := make(chan remote, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.network.Run(ctx) })
	g.Go(func() error { return b.clock.Run(ctx) })
	g.Go(func() error { return b.guard(ctx) })
	g.Go(func() error { return b.writeStates(ctx) })
	g.Go(func() error {
		err := syslog.Kernel(ctx, func(m syslog.Message) {
			select {
			case messages <- m:
			case <-ctx.Done():
			}
		})
		if err != nil {
			b.log.Error("the log is not kept", "error", err)
		}
		return nil // and the rest goes on
	})
	g.Go(func() error { return b.relay(ctx, messages, servers) })
	g.Go(func() error { return b.follow(ctx, servers) })
	good := make(chan struct{})
	g.Go(func() error { return b.pulse(ctx, func() { close(good) }) })
	g.Go(func() error { return b.keepSpare(ctx, good) })
	g.Go(func() error { return b.reclaim(ctx, good) })
	g.Go(func() error { return b.answerPeer(ctx) })
	g.Go(func() error { return b.tell(ctx) })
	return g.Wait()
}

// every calls f at once and then again and again, until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) error {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// goodAfter is how long a version must be well to be good.
const goodAfter = time.Minute

// pulse is the heartbeat: there is one while evenkeel answers. Before there is a configuration there is no evenkeel to ask.
// A version that has been well for a while is good, which is told once.
func (b *box) pulse(ctx context.Context, good func()) error {
	said := ""
	since, proved := time.Now(), false
	return every(ctx, heartbeat.Every, func() {
		var ill error
		if _, err := b.archive.InUse(); !errors.Is(err, archive.ErrNone) {
			ill = health.Ask(ctx, b.socket)
		}
		if !errors.Is(ill, health.ErrSilent) {
			if err := b.beat.Write(time.Duration(b.limit.Load())); err != nil && said != err.Error() {
				said = err.Error()
				b.log.Error("nobody hears that the box does not hang", "error", err)
			}
		}
		b.feels(ill)
		if ill != nil {
			since = time.Now()
		}
		if !proved && time.Since(since) >= goodAfter {
			proved = true
			if err := goodBox(); err != nil {
				b.log.Error("this version runs well, but that can't be noted", "error", err)
				return
			}
			b.log.Info("the box has been well for a minute: its slot is good", "version", version)
			good()
		}
	})
}

// follow hands on what the appliance block says, whenever it has changed. A configuration with an error changes nothing; if the
// box starts with one, the last good one counts, as it does for evenkeel run.
func (b *box) follow(ctx context.Context, servers chan<- remote) error {
	var last archive.Version
	var stamp time.Time
	var ap *config.Appliance
	known := false
	return every(ctx, 2*time.Second, func() {
		v, err := b.archive.InUse()
		written := newest(b.archive.Current())
		if err == nil && (v.ID != last.ID || !written.Equal(stamp)) {
			last, stamp = v, written
			cfg, text, err := core.Check(builtins(), []string{b.archive.Current()}, false)
			b.tellErrors(text, err)
			if err != nil && known {
				return
			}
			if err != nil {
				if cfg, err = core.LastGood(builtins(), b.kept); err != nil {
					b.log.Error("the box has no network", "error", err)
					return
				}
			}
			ap, known = cfg.Appliance, true
			b.network.Set(ap)
			var logs remote
			limit := heartbeat.DefaultLimit
			if ap != nil {
				logs, limit = remote{ap.Hostname, ap.Syslogs}, ap.Watchdog
			}
			b.limit.Store(int64(limit))
			select {
			case servers <- logs:
			case <-ctx.Done():
			}
		}
		b.clock.Set(b.timeServers(ap))
	})
}

// newest is when a file of a folder was written last.
func newest(dir string) time.Time {
	var t time.Time
	paths, _ := filepath.Glob(filepath.Join(dir, "*.hcl")) // the pattern is a good one
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t
}

// timeServers are those of the block, or else those that DHCP servers have told.
func (b *box) timeServers(ap *config.Appliance) []string {
	if ap != nil && len(ap.NTPServers) > 0 {
		return ap.NTPServers
	}
	leases := b.network.Status().Leases
	var servers []string
	for _, name := range slices.Sorted(maps.Keys(leases)) {
		for _, a := range leases[name].NTPServers {
			servers = append(servers, a.String())
		}
	}
	return servers
}
