package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// ExecArgument is the first argument with which a supervisor starts Options.Self before a plugin; main calls Exec with the
// arguments after it, before anything else.
const ExecArgument = "plugin-exec"

// PluginArgument is the first argument with which a supervisor starts Options.Self as a built-in plugin, followed by the
// plugin's name: "check-http".
const PluginArgument = "plugin"

// A confinement is what Exec does to itself. Identity and capabilities are set by the fork already.
type confinement struct {
	NoNewPrivileges bool   `json:"no_new_privileges"`
	View            View   `json:"view"`
	Socket          string `json:"socket"` // folder
	FD              int    `json:"fd"`     // the program, open; 0: this one
	Path            string `json:"path"`   // where it was found, for interpreters of scripts
}

// Exec gives up what a plugin must not have and becomes that plugin. It returns only with an error. What the kernel does
// not know (landlock, before 5.13) is left out and said at the level debug.
func Exec(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%s: it is for plugins, and needs to be told which", ExecArgument)
	}
	var c confinement
	if err := json.Unmarshal([]byte(args[0]), &c); err != nil {
		return fmt.Errorf("%s: reading the confinement: %w", ExecArgument, err)
	}
	unix.CloseOnExec(selfFD)
	path := "/proc/self/exe"
	if c.FD != 0 {
		path = fmt.Sprintf("/proc/self/fd/%d", c.FD) // stays open: the interpreter of a script opens it again
	}
	if c.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("%s: giving up new privileges: %w", ExecArgument, err)
		}
	}
	if _, err := llsyscall.LandlockGetABIVersion(); err != nil {
		c.View = ViewAll
		fmt.Fprintf(os.Stderr, `{"@level":"debug","@message":"the kernel has no landlock"}`+"\n")
	}
	if err := c.landlock(); err != nil {
		return fmt.Errorf("%s: restricting the file system: %w", ExecArgument, err)
	}
	return fmt.Errorf("%s: executing %s: %w", ExecArgument, args[1], unix.Exec(path, args[1:], os.Environ()))
}

// landlock restricts the file system. It needs no_new_privs or root.
func (c *confinement) landlock() error {
	rules := []landlock.Rule{
		landlock.RODirs("/"),
		landlock.RWDirs(c.Socket),
		landlock.RWFiles("/dev/null", "/proc/self/comm").IgnoreIfMissing(), // it may give itself a name
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
