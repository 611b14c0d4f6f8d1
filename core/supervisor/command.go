package supervisor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// selfFD and pinnedFD are the file descriptors, in the new process, of this binary and of somebody else's plugin.
const (
	selfFD   = 3
	pinnedFD = 4
)

// command prepares the process of a plugin, with the identity and the capabilities that it gets. The files are to be
// closed once it has started.
func (s *Supervisor) command(p Plugin) (cmd *exec.Cmd, priv Privileges, closeFiles func(), err error) {
	priv = s.privilegesOf(p)
	cmd = &exec.Cmd{
		Path:        "/proc/self/fd/" + strconv.Itoa(selfFD),
		Dir:         "/",
		ExtraFiles:  []*os.File{s.self},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if !mustOutlive(p.Kind) {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	if os.Geteuid() == 0 && !priv.Root && !s.sockets.closed {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		cmd.SysProcAttr.AmbientCaps = priv.Capabilities
	}
	closeFiles = func() {}
	if p.Builtin {
		return cmd, priv, closeFiles, nil
	}
	f, err := openPinned(p.Path, p.SHA256)
	if err != nil {
		return nil, priv, nil, err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	return cmd, priv, func() { f.Close() }, nil
}

// confine sets the arguments and, for a built-in plugin, the variable that says how the process confines itself.
func (s *Supervisor) confine(cmd *exec.Cmd, p Plugin, priv Privileges, socket, kept string) error {
	spec, err := json.Marshal(confinement{NoNewPrivileges: !priv.NewPrivileges, View: priv.View, Socket: socket, Keep: kept})
	if err != nil {
		return fmt.Errorf("describing the confinement: %w", err)
	}
	if p.Builtin {
		cmd.Args = []string{s.o.Self, PluginArgument, p.String()}
		cmd.Env = []string{envConfinement + "=" + string(spec)}
	} else {
		cmd.Args = []string{s.o.Self, ExecArgument, string(spec), p.Path}
	}
	return nil
}

// inherited are the variables of the environment that plugins get from the core.
var inherited = []string{"LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOTRACEBACK", "GOGC", "GODEBUG", "GOCOVERDIR"}

// environment is all that a plugin finds in its environment, but for go-plugin's handshake.
func environment(o Options, priv Privileges, socket, kept string) []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/",
		goplugin.EnvUnixSocketDir + "=" + socket,
		sdk.EnvLogLevel + "=" + o.Logger.GetLevel().String(),
		sdk.EnvLease + "=" + o.Silence.String(),
	}
	if kept != "" {
		env = append(env, sdk.EnvKeep+"="+kept)
	}
	if priv.Memory > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.FormatUint(priv.Memory/4*3, 10))
	}
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// handshakeOf picks from the environment that go-plugin has made what belongs to its handshake; the socket's folder is
// ours.
func handshakeOf(env []string) []string {
	var out []string
	for _, v := range env {
		if !strings.HasPrefix(v, goplugin.EnvUnixSocketDir+"=") {
			out = append(out, v)
		}
	}
	return out
}

// A lineWriter is a writer into a plugin's log.
type lineWriter struct {
	sink *logSink
	from string
}

func (w *lineWriter) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			w.sink.line(line[:min(len(line), maxLine)], w.from)
		}
	}
	return len(b), nil
}
