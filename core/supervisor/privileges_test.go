package supervisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestWhoGetsWhat(t *testing.T) {
	check := func(name string) Plugin { return Plugin{Kind: sdk.KindCheck, Name: name, Builtin: true} }
	if p := privilegesOf(check("http")); p.Root || p.NewPrivileges || len(p.Capabilities) > 0 || p.View != ViewRead || p.Memory == 0 {
		t.Errorf("check-http gets %+v, and needs nothing", p)
	}
	if p := privilegesOf(Plugin{Kind: sdk.KindBalancer, Name: "ipvs", Builtin: true}); p.Root || !slices.Equal(p.Capabilities, []uintptr{unix.CAP_NET_ADMIN}) {
		t.Errorf("ipvs gets %+v, and needs CAP_NET_ADMIN", p)
	}
	if p := privilegesOf(check("script")); !p.Root || !p.NewPrivileges {
		t.Errorf("check-script gets %+v, and runs programs as any user", p)
	}
	marks := check("http")
	if marks.Marks = true; !slices.Equal(privilegesOf(marks).Capabilities, []uintptr{unix.CAP_NET_RAW}) || marks.same(check("http")) {
		t.Errorf("check-http gets %+v for probes with a mark, and needs CAP_NET_RAW", privilegesOf(marks))
	}
	if p := privilegesOf(Plugin{Kind: sdk.KindCheck, Name: "ping", Builtin: true, Marks: true}); !slices.Equal(p.Capabilities, []uintptr{unix.CAP_NET_RAW}) {
		t.Errorf("check-ping gets %+v for probes with a mark", p)
	}
	stranger := Plugin{Kind: sdk.KindCheck, Name: "script", Path: "/x"}
	if p := privilegesOf(stranger); p.Root || p.NewPrivileges || len(p.Capabilities) > 0 {
		t.Errorf("somebody else's plugin gets %+v because of its name", p)
	}
}

// needRoot skips a test of what only root can do.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a plugin another identity")
	}
}

func TestACheckPluginIsNobodyAndCanGainNothing(t *testing.T) {
	needRoot(t)
	const want = "Uid: 65534 65534 65534 65534; CapEff: 0000000000000000; CapAmb: 0000000000000000; NoNewPrivs: 1"
	if got := newBench(t).ask("who"); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestAPluginHasTheCapabilitiesOfTheTableAndNoOthers(t *testing.T) {
	needRoot(t)
	b := newBench(t)
	b.privilegesOf = func(Plugin) Privileges {
		return Privileges{Capabilities: []uintptr{unix.CAP_NET_ADMIN}, View: ViewNet}
	}
	const want = "Uid: 65534 65534 65534 65534; CapEff: 0000000000001000; CapAmb: 0000000000001000; NoNewPrivs: 1"
	if got := b.ask("who"); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestAPluginThatRunsProgramsKeepsRoot(t *testing.T) {
	needRoot(t)
	b := newBench(t)
	b.privilegesOf = func(Plugin) Privileges { return Privileges{Root: true, NewPrivileges: true, View: ViewAll} }
	if got := b.ask("who"); !strings.HasPrefix(got, "Uid: 0 0 0 0; ") || !strings.HasSuffix(got, "NoNewPrivs: 0") {
		t.Errorf("it is %s", got)
	}
}

func TestNSAVRRPPluginMayDoWhatItNeedsForItsDeadlines(t *testing.T) {
	needRoot(t)
	b := newBench(t)
	met := make(chan *Instance, 1)
	b.Set([]Plugin{holder(met)})
	in, _ := meets(t, b, met)
	if err := in.VRRP().Command(t.Context(), sdk.VRRPCommand{Instance: "any", Action: "privileges"}); err != nil {
		t.Error(err)
	}
}

func TestACheckPluginCannotWriteWhereEverybodyMay(t *testing.T) {
	if v, err := llsyscall.LandlockGetABIVersion(); err != nil || v < 1 {
		t.Skip("the kernel has no landlock")
	}
	defer os.Remove(writable())
	if got := newBench(t).ask("write"); !strings.Contains(got, "permission denied") {
		t.Errorf("writing to a folder of everybody's: %s", got)
	}
	b := newBench(t)
	b.privilegesOf = func(Plugin) Privileges { return Privileges{View: ViewAll} }
	if got := b.ask("write"); got != "<nil>" {
		t.Errorf("writing there with a view of everything: %s", got)
	}
}

func TestAPluginGetsOnlyTheEnvironmentThatIsMeantForIt(t *testing.T) {
	t.Setenv("EVENKEEL_SECRET", "x")
	t.Setenv("TZ", "Europe/Berlin")
	var names []string
	for _, v := range strings.Fields(newBench(t).ask("environment")) {
		if name, _, ok := strings.Cut(v, "="); ok {
			names = append(names, name)
		}
	}
	for _, name := range []string{"PATH", "TZ", "GOMEMLIMIT", sdk.EnvLease, sdk.EnvLogLevel, "PLUGIN_UNIX_SOCKET_DIR"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not in the plugin's environment", name)
		}
	}
	for _, name := range []string{"EVENKEEL_SECRET", "LOGNAME", "GOPATH"} {
		if slices.Contains(names, name) {
			t.Errorf("%s is in the plugin's environment", name)
		}
	}
}

func TestAPluginInheritsNoFiles(t *testing.T) {
	f, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := newBench(t).ask("files")
	if !strings.Contains(got, "0=/dev/null") {
		t.Errorf("stdin is not /dev/null: %s", got)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, self) || strings.Contains(got, "/etc/passwd") {
		t.Errorf("the plugin has our files: %s", got)
	}
}

func TestAPluginHasItsNameInTheListOfProcesses(t *testing.T) {
	if got := newBench(t).ask("name"); got != "check-port" {
		t.Errorf("ps calls it %q", got)
	}
}

func TestWithoutRootEverythingElseWorks(t *testing.T) {
	needRoot(t)
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	again := &exec.Cmd{
		Path:        "/proc/self/fd/3",
		Args:        []string{"supervisor.test", "-test.run", "^(TestAPluginIsStarted|TestACheckPluginCannotWrite|TestAPluginThatIsKilled|TestStopKills)", "-test.v"},
		Env:         []string{"TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")},
		Dir:         dir,
		ExtraFiles:  []*os.File{self},
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}},
	}
	out, err := again.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 4 {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

func TestAFolderThatIsClosedToOthersIsNoReasonToFail(t *testing.T) {
	needRoot(t)
	b := newBench(t, func(o *Options) {
		if err := os.Chmod(o.RunDir, 0o700); err != nil {
			t.Fatal(err)
		}
		o.RunDir = filepath.Join(o.RunDir, "run")
	})
	if got := b.ask("who"); !strings.HasPrefix(got, "Uid: 0 ") {
		t.Errorf("it is %s", got)
	}
	if !strings.Contains(b.log.String(), "plugins run as root") {
		t.Error("nobody was told")
	}
	b.stop()
	os.Remove(b.o.RunDir)
}
