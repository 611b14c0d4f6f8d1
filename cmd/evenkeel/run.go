package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
)

const (
	defaultState = "/var/lib/evenkeel"
	defaultRun   = "/run/evenkeel"
)

func newRun(socket *string) *cobra.Command {
	o := core.Options{Version: version}
	var logLevel string
	c := &cobra.Command{
		Use:   "run --config PATH",
		Short: "Be the director: balance traffic until told to stop",
		Long: `Be the director: read the configuration, start the plugins that it uses, and keep the kernel's table as it should be.

SIGHUP reads the configuration again; one with errors changes nothing. SIGTERM stops in order: virtual addresses go to the
other routers, because nobody would hold them up here, and the kernel's table stays as it is, so that traffic goes on, unless
--release was given. For a restart that keeps the addresses, "evenkeel stop --keep" ends it; the vrrp plugin goes on by itself for
a minute, as it does when evenkeel is killed, and the evenkeel that is started next takes it over. A start with a configuration that has errors runs
the last good one, if there is one, and says so.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := hclog.LevelFromString(logLevel)
			if level == hclog.NoLevel {
				return fmt.Errorf("--log-level %q: use trace, debug, info, warn or error", logLevel)
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("finding the evenkeel binary: %w", err)
			}
			o.Box = isBox()
			o.Self, o.Socket, o.Builtin = self, *socket, builtins()
			o.Logger = hclog.New(&hclog.LoggerOptions{Name: "evenkeel", Level: level, Output: os.Stderr})
			loadIPVS(o.Logger)
			return runDaemon(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.Paths, "config", []string{"/etc/evenkeel/evenkeel.hcl"}, "a .hcl file, or a folder of them; may be given more than once")
	f.StringVar(&o.StateDir, "state", defaultState, "folder for what must survive a restart")
	f.StringVar(&o.RunDir, "run-dir", defaultRun, "folder for the plugins' sockets")
	f.BoolVar(&o.DryRun, "dry-run", false, "do everything but write to the kernel; status shows what would differ")
	f.BoolVar(&o.Release, "release", false, "when stopping, take everything out of the kernel's table")
	f.StringVar(&logLevel, "log-level", "info", "trace, debug, info, warn or error")
	return c
}

func runDaemon(ctx context.Context, o core.Options) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	reload := make(chan struct{}, 1)
	go func() {
		for range hup {
			select {
			case reload <- struct{}{}:
			default: // one is due anyway
			}
		}
	}()
	o.Reload = reload
	for i, p := range o.Paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return fmt.Errorf("finding %s: %w", p, err)
		}
		o.Paths[i] = abs
	}
	err := core.Run(ctx, o)
	var ce *core.ConfigError
	switch {
	case errors.As(err, &ce):
		fmt.Fprintln(os.Stderr, strings.TrimRight(ce.Text, "\n"))
		return exitError{code: 1, err: errors.New("the configuration has errors, and there is no last good one to run in its place")}
	case errors.Is(err, context.Canceled):
		return nil
	}
	return err
}

// loadIPVS loads the kernel's IPVS if it is not there. It is done here, as root, so that the plugin that works with IPVS
// needs no right to load modules; a kernel that has none is the plugin's to complain about.
func loadIPVS(log hclog.Logger) {
	if _, err := os.Stat("/proc/net/ip_vs"); err == nil || os.Geteuid() != 0 {
		return
	}
	if err := kernel.Modprobe("ip_vs"); err != nil {
		log.Debug("ip_vs could not be loaded", "error", err)
	}
}
