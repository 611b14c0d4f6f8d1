package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/peercred"
)

// The sizes of the largest messages, in bytes: a table of a hundred thousand real servers goes out, and what comes in is
// cut into pieces by whoever has much to say.
const (
	maxSend    = 64 << 20
	maxReceive = 16 << 20
)

// An incarnation is one process of a plugin, connected, that has said what it is.
type incarnation struct {
	o       *Options
	info    sdk.Info
	limit   uint64 // of memory, in bytes
	process *process
	client  *goplugin.Client
	conn    *grpc.ClientConn
	socket  string // folder
}

// start starts a plugin and asks it what it is. When it returns an error, nothing is left of the process.
func (s *Supervisor) start(ctx context.Context, p Plugin, logger hclog.Logger, dryRun bool) (*incarnation, error) {
	cmd, priv, closeFiles, err := s.command(p)
	if err != nil {
		return nil, err
	}
	defer closeFiles()
	uid, gid := os.Geteuid(), os.Getegid()
	if c := cmd.SysProcAttr.Credential; c != nil {
		uid, gid = int(c.Uid), int(c.Gid)
	}
	kept := ""
	if mustOutlive(p.Kind) && p.Builtin && !dryRun {
		if kept, err = s.keep.folder(p.String(), uid, gid); err != nil {
			return nil, err
		}
	}
	dir, err := s.sockets.open(uid, gid)
	if err != nil {
		return nil, err
	}
	if err := s.confine(cmd, p, priv, dir, kept); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	in := &incarnation{o: &s.o, limit: priv.Memory, socket: dir}
	in.process = newProcess(cmd, s.forker, dir, newLogSink(logger))
	if kept != "" {
		in.process.begun = func() error { return s.leaveTrace(p, in) }
	}
	in.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  sdk.Handshake(),
		VersionedPlugins: map[int]goplugin.PluginSet{sdk.ProtocolVersion: {sdk.PluginSetName: connection{}}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, _ string) (runner.Runner, error) {
			cmd.Env = slices.Concat(cmd.Env, environment(s.o, priv, dir, kept), handshakeOf(spec.Env))
			return in.process, nil
		},
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: dir},
		SkipHostEnv:      true,
		StartTimeout:     s.o.StartTimeout,
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       &lineWriter{sink: in.process.log, from: "stdout"}, // of those that do not use our sdk
		SyncStderr:       &lineWriter{sink: in.process.log, from: "stderr"},
		GRPCDialOptions:  append(dialOptions(), grpc.WithTransportCredentials(peercred.New(in.isPlugin(uid)))),
	})

	if err := in.greet(ctx, p, dryRun); err != nil {
		err = in.blame(in.diagnose(err))
		in.process.kill()
		in.close()
		if kept != "" {
			s.keep.forget(p.String())
		}
		return nil, err
	}
	return in, nil
}

// greet connects to the plugin and asks it what it is.
func (in *incarnation) greet(ctx context.Context, p Plugin, dryRun bool) error {
	ctx, cancel := context.WithTimeout(ctx, in.o.StartTimeout)
	defer cancel()
	connected := make(chan error, 1)
	go func() { connected <- in.connect() }()
	select {
	case err := <-connected:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		in.process.kill() // then connect returns
		<-connected
		return &Fault{late(ctx, in.o.StartTimeout, "connecting to it"), doHurry}
	}
	return in.describe(ctx, p, dryRun, in.o.StartTimeout)
}

// describe asks the plugin what it is. ctx ends after the given time.
func (in *incarnation) describe(ctx context.Context, p Plugin, dryRun bool, timeout time.Duration) error {
	var err error
	var cannot *sdk.PreconditionError
	in.info, err = sdk.NewPluginClient(in.conn).Describe(ctx, in.o.Version, dryRun)
	switch {
	case errors.As(err, &cannot): // its own words are for the operator
		return err
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded): // the plugin knows the deadline, and its clock may be ahead
		return &Fault{late(ctx, timeout, "asking what it is"), doAnswer}
	case err != nil:
		return &Fault{fmt.Errorf("asking what it is: %w", err), doDescribe}
	case p.Kind != "" && (in.info.Kind != p.Kind || in.info.Name != p.Name):
		return fmt.Errorf("it calls itself %s %q, and was started as %s %q", in.info.Kind, in.info.Name, p.Kind, p.Name)
	}
	return nil
}

func late(ctx context.Context, timeout time.Duration, doing string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	return hangs("%s took more than %s", doing, timeout)
}

// connect is go-plugin's part.
func (in *incarnation) connect() error {
	protocol, err := in.client.Client()
	if err != nil {
		return err
	}
	conn, err := protocol.Dispense(sdk.PluginSetName)
	if err != nil {
		return err
	}
	in.conn = conn.(*grpc.ClientConn)
	return nil
}

// dialOptions are those of every connection to a plugin, but for its credentials.
func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(maxSend), grpc.MaxCallRecvMsgSize(maxReceive)),
		grpc.WithChainUnaryInterceptor(deadline),
	}
}

// isPlugin accepts the plugin at the other end of the socket, and nobody else: a process of its group, and of its user.
func (in *incarnation) isPlugin(uid int) func(peercred.Peer) error {
	return func(peer peercred.Peer) error {
		group, err := unix.Getpgid(peer.PID)
		if err != nil {
			group = 0
		}
		if peer.UID != uid || group != in.process.pid() {
			fault := &Fault{fmt.Errorf("at its socket is process %d of user %d, not the plugin, process %d of user %d",
				peer.PID, peer.UID, in.process.pid(), uid), doListen}
			in.process.complain(fault) // gRPC keeps but its words
			return fault
		}
		return nil
	}
}

// session holds the plugin's lease until ctx ends. Its error says why the plugin is lost.
func (in *incarnation) session(ctx context.Context) error {
	err := sdk.NewPluginClient(in.conn).Session(ctx, in.o.Beat, in.o.Silence, func(line []byte) {
		if len(line) <= maxLine {
			in.process.log.line(line, "stderr")
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	if _, broken := errors.AsType[*sdk.CallError](err); broken {
		return fmt.Errorf("the session broke: %w", err)
	}
	return hangs("%v", err)
}

// watchMemory returns an error when the plugin uses too much.
func (in *incarnation) watchMemory(ctx context.Context) error {
	tick := time.NewTicker(in.o.Watch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if used, _ := usageOf(in.process.pid()); in.limit > 0 && used > in.limit {
			return fmt.Errorf("it uses %d MiB of memory, and may use %d", used/mebibyte, in.limit/mebibyte)
		}
	}
}

// diagnose finds the reason behind a failure: a process that dies breaks its connection first.
func (in *incarnation) diagnose(err error) error {
	if in.process.pid() == 0 { // it was never started
		return err
	}
	in.process.mu.Lock()
	complaint := in.process.complaint
	in.process.mu.Unlock()
	if complaint != nil {
		return complaint
	}
	var cannot *sdk.PreconditionError
	if errors.Is(err, errHangs) || errors.As(err, &cannot) {
		return err
	}
	select {
	case <-in.process.dead:
		return in.process.cause()
	case <-time.After(300 * time.Millisecond):
	}
	return err
}

// blame makes a Fault of the end of a process that has said nothing, when it had the chance.
func (in *incarnation) blame(err error) error {
	var fault *Fault
	var cannot *sdk.PreconditionError
	select {
	case <-in.process.drained:
	default:
		return err
	}
	if errors.As(err, &fault) || errors.As(err, &cannot) || in.process.unexecuted() {
		return err
	}
	return &Fault{err, doGoOn}
}

// stop ends the plugin in order, and by force when hurry ends or it takes too long.
func (in *incarnation) stop(hurry context.Context, release bool) {
	ctx, cancel := context.WithTimeout(hurry, in.o.StopTimeout+500*time.Millisecond)
	defer cancel()
	go func() {
		select {
		case <-in.process.dead:
			cancel()
		case <-ctx.Done():
		}
	}()
	asked := sdk.NewPluginClient(in.conn).Stop(ctx, in.o.StopTimeout, release) == nil
	in.conn.Close() // it exits as soon as nobody is connected
	if asked {
		in.awaitEnd(hurry, time.Second)
	}
	if release || !mustOutlive(in.info.Kind) { // to such a plugin the signal means to give up what it holds
		in.process.signal(unix.SIGTERM)
		in.awaitEnd(hurry, time.Second)
	}
	in.process.kill()
}

// leave lets the plugin go on by itself.
func (in *incarnation) leave() {
	in.conn.Close()
	in.process.leave()
}

// awaitEnd waits for the end of the process, so long.
func (in *incarnation) awaitEnd(hurry context.Context, d time.Duration) {
	select {
	case <-in.process.dead:
	case <-hurry.Done():
	case <-time.After(d):
	}
}

// close tidies up after a process that has ended.
func (in *incarnation) close() {
	defer os.RemoveAll(in.socket)
	if in.client == nil { // it was adopted
		if in.conn != nil {
			in.conn.Close()
		}
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.client.Kill()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second): // it may hang; then it does so alone
	}
}

// instance is what Attach gets.
func (in *incarnation) instance() *Instance {
	return &Instance{Info: in.info, PID: in.process.pid(), conn: in.conn}
}

// connection is the plugin as go-plugin dispenses it: nothing but the connection.
type connection struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (connection) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the core serves no plugin")
}

func (connection) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

// callTime is the deadline of a call that has none.
const callTime = 30 * time.Second

// deadline gives every call one.
func deadline(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok && strings.HasPrefix(method, "/evenkeel.") {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTime)
		defer cancel()
	}
	return next(ctx, method, req, reply, cc, opts...)
}
