package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// ExecArgument is the first argument with which a supervisor starts Options.Self before somebody else's plugin; main calls
// Exec with the arguments after it, before anything else.
const ExecArgument = "plugin-exec"

// PluginArgument is the first argument with which a supervisor starts Options.Self as a built-in plugin, followed by the
// plugin's name: "check-http". main calls Confine and serves it.
const PluginArgument = "plugin"

// A confinement is what a new process does to itself before it is a plugin. Identity and capabilities are set by the fork
// already.
type confinement struct {
	NoNewPrivileges bool   `json:"no_new_privileges"`
	View            View   `json:"view"`
	Socket          string `json:"socket"`         // folder
	Keep            string `json:"keep,omitempty"` // folder; "": none
}

// envConfinement has the confinement of a built-in plugin, as JSON.
const envConfinement = "EVENKEEL_CONFINEMENT"

// Confine gives up what this process, a built-in plugin, must not have. main calls it before anything else that a plugin
// does. A process that no supervisor has started gives up nothing.
//
// A built-in plugin confines itself, since all that runs before main is this program's own: a second exec in between
// would cost as much as the rest of its start.
func Confine() error {
	spec, ok := os.LookupEnv(envConfinement)
	if !ok {
		return nil
	}
	if err := os.Unsetenv(envConfinement); err != nil {
		return fmt.Errorf("confining the plugin: %w", err)
	}
	unix.Close(selfFD) // best effort: it is read-only, and no harm
	return confine(spec)
}

// Exec gives up what somebody else's plugin must not have and becomes that plugin, whose arguments follow the confinement
// in args. It returns only with an error.
func Exec(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%s: it is for plugins, and needs to be told which", ExecArgument)
	}
	unix.CloseOnExec(selfFD)
	if err := confine(args[0]); err != nil {
		return fmt.Errorf("%s: %w", ExecArgument, err)
	}
	// The file stays open: the interpreter of a script opens it again.
	path := fmt.Sprintf("/proc/self/fd/%d", pinnedFD)
	return cannotExecute(args[1], unix.Exec(path, args[1:], os.Environ()))
}

// ExecFailed is the exit status of a process in which Exec returned, as a shell has it for a command that it can't execute.
const ExecFailed = 126

// cannotExecute says in the author's words why a file can't be executed: execve(2).
func cannotExecute(path string, err error) error {
	why := ""
	switch {
	case errors.Is(err, unix.ENOEXEC):
		why = ": it is neither a program for this machine nor a script that begins with #!"
	case errors.Is(err, unix.EACCES):
		why = fmt.Sprintf(": user %d must be able to read and execute it (chmod 755), on a file system without noexec", os.Geteuid())
	case errors.Is(err, unix.ENOENT):
		why = ": the interpreter that its first line names, or its loader, is not there"
	}
	return fmt.Errorf("executing %s: %w%s", path, err, why)
}

// confine carries out a confinement in all threads of this process. What the kernel does not know (landlock, before 5.13)
// is left out and said at the level debug.
func confine(spec string) error {
	var c confinement
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		return fmt.Errorf("reading the confinement: %w", err)
	}
	if c.NoNewPrivileges {
		if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
			return fmt.Errorf("giving up new privileges: %w", errno)
		}
	}
	if _, err := llsyscall.LandlockGetABIVersion(); err != nil {
		c.View = ViewAll
		fmt.Fprintf(os.Stderr, `{"@level":"debug","@message":"the kernel has no landlock"}`+"\n")
	}
	if err := c.landlock(); err != nil {
		return fmt.Errorf("restricting the file system: %w", err)
	}
	return nil
}

// landlock restricts the file system. It needs no_new_privs or root.
func (c *confinement) landlock() error {
	rules := []landlock.Rule{
		landlock.RODirs("/"),
		landlock.RWDirs(c.Socket),
		landlock.RWFiles("/dev/null", "/proc/self/comm").IgnoreIfMissing(), // it may give itself a name
	}
	if c.Keep != "" {
		rules = append(rules, landlock.RWDirs(c.Keep))
	}
	switch c.View {
	case ViewAll:
		return nil
	case ViewNet:
		rules = append(rules, landlock.RWDirs("/proc/sys/net").IgnoreIfMissing())
	case ViewRead:
	default:
		return errors.New("no such view")
	}
	return landlock.V5.BestEffort().RestrictPaths(rules...)
}
