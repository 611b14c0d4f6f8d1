package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/badplugin"
)

// bad is how the name of a file begins that is a plugin of package badplugin, after which comes the way.
const bad = "bad-"

// bePlugin is what this binary does when the supervisor starts it: the shim before a plugin, or a bad plugin.
func bePlugin() {
	if len(os.Args) > 1 && os.Args[1] == supervisor.ExecArgument {
		main()
	}
	if os.Getenv("BADPLUGIN_OTHER") != "" { // the other process that one of them starts
		badplugin.Serve("other-process")
	}
	if way, ok := strings.CutPrefix(filepath.Base(os.Args[0]), bad); ok {
		badplugin.Serve(way)
		os.Exit(0)
	}
}

// folderOfBad has all bad plugins as executables, in a folder that everybody may enter.
func folderOfBad(t *testing.T) string {
	t.Helper()
	dir := sdktest.OpenDir(t)
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	one := filepath.Join(dir, "one")
	f, err := os.OpenFile(one, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, self); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, way := range badplugin.Ways() {
		if err := os.Link(one, filepath.Join(dir, bad+way)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// evenkeel is the command line within this process: what it prints, and the error with its exit status.
func evenkeel(args ...string) (out string, code int, err error) {
	var b bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&b)
	err = root.Execute()
	switch e := err.(type) {
	case nil:
	case exitError:
		code = e.code
	default:
		code = 1
	}
	return b.String(), code, err
}

func TestAFileThatIsNoPluginIsToldApartAndItsAuthorToldWhatToDo(t *testing.T) {
	dir := folderOfBad(t)
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// What is wrong, and a part of what to do; "": there is nothing more to say.
	for path, want := range map[string][2]string{
		filepath.Join(dir, "missing"):       {"no such file", ""},
		dir:                                 {"not a regular file", ""},
		file("plain", "#!/bin/sh\n", 0o644): {"is not executable", "chmod 755"},
		file("open", "#!/bin/sh\n", 0o757):  {"everybody may write", "chmod o-w"},
		file("garbage", "\x01\x02\x03 no program", 0o755):                                                     {"exec format error", "neither a program for this machine nor a script that begins with #!"},
		file("lost", "#!/no/such/interpreter\n", 0o755):                                                       {"no such file", "the interpreter that its first line names"},
		file("true", "#!/bin/sh\n", 0o755):                                                                    {"it exited", "Is it a plugin at all?"},
		file("hello", "#!/bin/sh\necho Hello\n", 0o755):                                                       {`it printed "Hello" before its handshake`, "first line on stdout must be the handshake"},
		file("absent", "#!/bin/sh\necho '1|1|unix|'$PLUGIN_UNIX_SOCKET_DIR'/s|grpc'; exec sleep 60\n", 0o755): {"asking what it is", "PluginService.Describe"},
		bad + "exits-at-once":                                                                                 {"exit status 1: my licence has expired", "goes on until it is told to stop"},
		bad + "silent":                                                                                        {"connecting to it took more than 10s", "Is it flushed?"},
		bad + "prints-first":                                                                                  {`it printed "Welcome to my plugin!"`, "first line on stdout must be the handshake"},
		bad + "endless-line":                                                                                  {`it printed "never ends`, "first line on stdout must be the handshake"},
		bad + "other-version":                                                                                 {"it speaks version 99", "with the kit of this version"},
		bad + "elsewhere":                                                                                     {"it listens on unix /tmp/elsewhere", "PLUGIN_UNIX_SOCKET_DIR"},
		bad + "over-tcp":                                                                                      {"it listens on tcp 127.0.0.1:1", "PLUGIN_UNIX_SOCKET_DIR"},
		bad + "other-process":                                                                                 {"at its socket is process", "must itself listen"},
		bad + "lies-about-schema":                                                                             {`attribute "size": its default`, "PluginService.Describe must answer"},
		bad + "deep-schema":                                                                                   {"blocks lie more than 8 deep", "PluginService.Describe must answer"},
		bad + "no-service":                                                                                    {"without the service evenkeel.plugin.v1.CheckService", "and services"},
		bad + "hangs-in-describe":                                                                             {"asking what it is took more than", "Describe must answer at once"},
		bad + "panics-in-open":                                                                                {"can't work on this machine: panic in opening the plugin: no hands", ""},
	} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			out, code, err := evenkeel("plugin", "describe", path)
			said := fmt.Sprint(err)
			if code != 1 || out != "" || !strings.Contains(said, want[0]) || !strings.Contains(said, want[1]) {
				t.Errorf("exit status %d, on stdout %q, and said is:\n%s\nwant %q", code, out, said, want)
			}
		})
	}
}

func TestAFileThatNobodyMayExecuteSaysSo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("plugins keep the identity of a user who is not root")
	}
	path := filepath.Join(sdktest.OpenDir(t), "mine")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, _, err := evenkeel("plugin", "describe", path)
	if said := fmt.Sprint(err); !strings.Contains(said, "permission denied") || !strings.Contains(said, "user 65534 must be able to read and execute it (chmod 755)") {
		t.Errorf("said is: %s", said)
	}
}

func TestEachBadPluginThatStartsBreaksRulesOfTheTrial(t *testing.T) {
	dir := folderOfBad(t)
	for way, wants := range map[string][]string{
		"dies-in-apply":   {"FAIL  it says completely what it is\n      its schema has no sentence", "ok    it answers the beats", "FAIL  applying twice changes nothing\n      applying: Unavailable"},
		"panics-in-apply": {"applying: Internal: panic in /evenkeel.plugin.v1.CheckService/Apply: not a target"},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			out, code, err := evenkeel("plugin", "test", filepath.Join(dir, bad+way), "--up", "127.0.0.1:1", "--down", "127.0.0.1:2")
			if code != 1 || !strings.Contains(fmt.Sprint(err), "breaks ") {
				t.Errorf("exit status %d: %v", code, err)
			}
			for _, want := range wants {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

func TestAPluginIsDescribedAsItDescribesItself(t *testing.T) {
	file := filepath.Join(folderOfBad(t), bad+"panics-in-probe")
	out, _, err := evenkeel("plugin", "describe", file)
	if err != nil || !strings.Contains(out, `check "panics-in-probe", version `) || !strings.Contains(out, "say        string  none") {
		t.Errorf("%v:\n%s", err, out)
	}
	out, _, err = evenkeel("plugin", "describe", "--json", file)
	var got struct{ Kind, Name string }
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.Kind != "check" || got.Name != "panics-in-probe" {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestABuiltInPluginIsDescribedByItsName(t *testing.T) {
	out, _, err := evenkeel("plugin", "describe", "notify-mail")
	if err == nil {
		t.Logf("it can be served by now: %s", out)
	}
	out, _, err = evenkeel("plugin", "describe", "check-http")
	if err != nil || !strings.Contains(out, `check "http", version `) || !strings.Contains(out, "\npath ") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestThePinnedBlockIsOneThatAConfigurationTakes(t *testing.T) {
	file := filepath.Join(folderOfBad(t), bad+"good")
	block, _, err := evenkeel("plugin", "pin", file)
	if err != nil {
		t.Fatal(err)
	}
	good(t, "the pinned block", block+`check "good" "g" {}`+"\n")
}

func TestWhatTheFlagsOfTheTrialMustBe(t *testing.T) {
	file := filepath.Join(folderOfBad(t), bad+"panics-in-probe")
	for want, flags := range map[string][]string{
		"give --up ADDRESS:PORT and --down ADDRESS:PORT": {},
		"a check is tried with two targets":              {"--up", "127.0.0.1:1"},
		"can't be both up and down":                      {"--up", "127.0.0.1:1", "--down", "127.0.0.1:1"},
		"write an address and a port":                    {"--up", "localhost:1", "--down", "127.0.0.1:1"},
		`Did you mean "say"?`:                            {"--up", "127.0.0.1:1", "--down", "127.0.0.1:2", "--config", `sai = "x"`},
		"on --config:2,":                                 {"--up", "127.0.0.1:1", "--down", "127.0.0.1:2", "--config", `{"say":1}`},
		"--down-config is not good":                      {"--up", "127.0.0.1:1", "--down", "127.0.0.1:2", "--down-config", `say = 1`},
	} {
		_, code, err := evenkeel(append([]string{"plugin", "test", file}, flags...)...)
		if code != 2 || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: exit status %d: %v", flags, code, err)
		}
	}
}

func TestACommandThatIsNotToldWhichPluginAsks(t *testing.T) {
	for _, command := range []string{"test", "describe", "pin"} {
		if _, _, err := evenkeel("plugin", command); !strings.Contains(fmt.Sprint(err), "evenkeel plugin "+command+" FILE") {
			t.Errorf("%s: %v", command, err)
		}
	}
}

func TestNoCommandForAuthorsIsNamedAsAPlugin(t *testing.T) {
	for _, c := range newPlugin().Commands() {
		if !isPluginCommand(c.Name()) {
			t.Errorf("evenkeel plugin %s would start a plugin", c.Name())
		}
	}
	for _, p := range builtins() {
		if isPluginCommand(p.Info().String()) {
			t.Errorf("evenkeel plugin %s starts no plugin", p.Info())
		}
	}
	for _, k := range []sdk.Kind{sdk.KindCheck, sdk.KindNotify, sdk.KindProvision} {
		if name := (sdk.Info{Kind: k, Name: "new"}).String(); isPluginCommand(name) {
			t.Errorf("evenkeel plugin %s starts no plugin", name)
		}
	}
}

func TestTheSkeletonIsNeverWrittenOverAnything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	if _, _, err := evenkeel("plugin", "new", "check", "greeting", dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if want := []string{"README.md", "go.mod", "main.go", "main_test.go"}; !slices.Equal(names, want) {
		t.Errorf("it has %q, want %q", names, want)
	}
	if _, _, err := evenkeel("plugin", "new", "check", "other", dir); !strings.Contains(fmt.Sprint(err), "is there already") {
		t.Errorf("a second one: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "main.go")); err != nil || !bytes.Contains(b, []byte(`check "greeting"`)) {
		t.Errorf("main.go is\n%s%v", b, err)
	}
}

func TestWhatASkeletonCantBe(t *testing.T) {
	for want, args := range map[string][]string{
		`"Greeting" is not a name: lower-case letters`: {"check", "Greeting", t.TempDir()},
		`check "http" is built in`:                     {"check", "http", t.TempDir()},
		"other kinds have no skeleton":                 {"notify", "pager"},
		"evenkeel plugin new check NAME":               {"check"},
		"is not the folder of evenkeel's source":       {"check", "greeting", t.TempDir(), "--sdk", t.TempDir()},
	} {
		if _, _, err := evenkeel(append([]string{"plugin", "new"}, args...)...); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
