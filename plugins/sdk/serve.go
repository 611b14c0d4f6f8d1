package sdk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk/peercred"
)

// ProtocolVersion is the version of the contract that this package speaks: that of package evenkeel.plugin.v1.
const ProtocolVersion = 1

// Handshake is what core and plugin show each other, so that neither starts the wrong program by mistake. It is no
// secret; what secures the connection are the peers' credentials.
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   "EVENKEEL_PLUGIN",
		MagicCookieValue: "a plugin of evenkeel, not to be started by hand",
	}
}

// What the core tells a plugin in its environment.
const (
	EnvLogLevel = "EVENKEEL_LOG_LEVEL" // of hclog: trace, debug, info, warn or error
	EnvLease    = "EVENKEEL_LEASE"     // how long the core may be silent, "10s"
	EnvKeep     = "EVENKEEL_KEEP"      // Host.Keep
)

// Serve is the main function of a plugin: it serves p to the core that started this process, and returns when the core
// has stopped it or is gone. With the argument "describe" it prints what the plugin is, as JSON.
//
// While it runs, stdout and stderr go to the core's log, SIGTERM stops the plugin in order, with release if it is a vrrp
// plugin, SIGINT is the core's business, and SIGPIPE kills nobody.
func Serve(p Plugin) {
	if n := len(os.Args); n > 1 && os.Args[n-1] == "describe" {
		if err := Describe(os.Stdout, p); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	h := Handshake()
	if os.Getenv(h.MagicCookieKey) != h.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "This is evenkeel's plugin %s. The core starts it; \"%s describe\" says what it is.\n", p.info, strings.Join(os.Args, " "))
		os.Exit(1)
	}
	if err := serve(p); err != nil {
		fmt.Fprintf(os.Stderr, "plugin %s: %v\n", p.info, err)
		os.Exit(1)
	}
}

func serve(p Plugin) error {
	os.WriteFile("/proc/self/comm", []byte(p.info.String()), 0) // for ps and top; nothing depends on it
	core, err := coreUID()
	if err != nil {
		return err
	}
	log := &backlog{to: descriptor(2)}
	if p.info.Kind == KindVRRP {
		// A core that hangs must not hold up who has deadlines.
		if err := unix.SetNonblock(2, true); err != nil {
			return fmt.Errorf("preparing the log: %w", err)
		}
	}
	logger := hclog.New(&hclog.LoggerOptions{
		Output:     log,
		JSONFormat: true,
		Level:      hclog.LevelFromString(os.Getenv(EnvLogLevel)),
	})
	output, err := redirect(logger)
	if err != nil {
		return err
	}

	l := newLife(p, logger)
	l.greeted = output.take
	l.log, l.keep = log, os.Getenv(EnvKeep)
	if d, err := time.ParseDuration(os.Getenv(EnvLease)); err == nil && d > 0 {
		l.lease = d
	}

	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		l.stop(stopTime, p.info.Kind == KindVRRP) // an address that nobody holds up must not stay
	}()
	// Not signal.Ignore: programs that the plugin starts would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	var server atomic.Pointer[grpc.Server]
	go l.end(&server)
	l.renew(l.first)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  Handshake(),
		VersionedPlugins: map[int]goplugin.PluginSet{ProtocolVersion: {PluginSetName: &served{life: l}}},
		Logger:           logger.Named("go-plugin").With("plugin", p.info.String()),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			o = append(o, l.options()...)
			s := grpc.NewServer(append(o, grpc.Creds(peercred.New(fromCore(core))))...)
			server.Store(s)
			return s
		},
	})
	l.stop(stopTime, false) // when go-plugin has been told to end, by a core that does not know our Stop
	return nil
}

// end waits for the end of the plugin's life and ends the process, with the server's answers sent if the core takes them.
func (l *life) end(server *atomic.Pointer[grpc.Server]) {
	<-l.ctx.Done()
	time.AfterFunc(time.Second, func() { os.Exit(0) })
	if s := server.Load(); s != nil {
		s.GracefulStop()
		return
	}
	os.Exit(0)
}

// PluginSetName is the name under which go-plugin knows the one set of services of a plugin.
const PluginSetName = "evenkeel"

// served is a life as go-plugin wants it.
type served struct {
	goplugin.NetRPCUnsupportedPlugin
	life *life
}

func (s *served) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	s.life.register(g)
	return nil
}

func (s *served) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin is no core")
}

// coreUID returns the user whose process has started this one.
func coreUID() (int, error) {
	info, err := os.Stat("/proc/" + strconv.Itoa(os.Getppid()))
	if errors.Is(err, fs.ErrNotExist) { // hidden by hidepid, or gone
		return os.Getuid(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking who started the plugin: %w", err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), nil
}

// fromCore accepts root and the core's user.
func fromCore(core int) func(peercred.Peer) error {
	return func(p peercred.Peer) error {
		if p.UID != 0 && p.UID != core {
			return fmt.Errorf("process %d of user %d is not the core, which is user %d's", p.PID, p.UID, core)
		}
		return nil
	}
}
