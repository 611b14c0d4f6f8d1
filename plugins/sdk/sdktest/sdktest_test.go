package sdktest

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// Config is that of the sample type.
type Config struct {
	Path    string        `attr:"path" default:"/" doc:"what to ask for"`
	Codes   []string      `attr:"codes" default:"a,b" doc:"what is good"`
	Wait    time.Duration `attr:"wait" default:"1s" doc:"how long"`
	Retries int           `attr:"retries" doc:"how often"`
	Login   *Login        `block:"login" doc:"who asks"`
}

// Login is a block.
type Login struct {
	User     string `attr:"user" required:"true" doc:"the name"`
	Password string `attr:"password" sensitive:"true" doc:"the password"`
}

// Validate refuses a path that is none.
func (c Config) Validate() []sdk.Diagnostic {
	if !strings.HasPrefix(c.Path, "/") {
		return []sdk.Diagnostic{{Path: []string{"path"}, Summary: "it must begin with /"}}
	}
	return nil
}

const manual = `# check "sample"

Asks.

## Attributes

| attribute | type | default | meaning |
| --- | --- | --- | --- |
| ` + "`path` | string | `/`" + ` | what to ask for |
| ` + "`codes` | list(string) | `[\"a\", \"b\"]`" + ` | what is good |
| ` + "`wait` | duration | `\"1s\"`" + ` | how long |
| ` + "`retries`" + ` | int | none | how often |
| ` + "`login { user }`" + ` | string | required | the name |
| ` + "`login { password }`" + ` | string | none | the password |

| another table | of | some | kind |
| --- | --- | --- | --- |
| ` + "`x`" + ` | y | z | of no concern |

## Metrics

None.

## Examples

None.

## Limits

None.
`

// folder returns the folder of a plugin with that manual page.
func folder(t *testing.T, name, page string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// at returns what makes a target with the port.
func at(port uint16) func(*testing.T) sdk.Target {
	return func(*testing.T) sdk.Target {
		return sdk.Target{Address: netip.MustParseAddr("192.0.2.1"), Port: port}
	}
}

// info is what the sample says of itself.
func info() sdk.Info {
	return sdk.Info{Name: "sample", Version: "1.0.0", Schema: sdk.Schema{Doc: "asks"}}
}

// sample is a good plugin: port 1 is down.
func sample() sdk.Plugin {
	return sdk.NewCheck(info(), func(_ context.Context, t sdk.Target, _ Config) error {
		if t.Port == 1 {
			return errors.New("nobody there")
		}
		return nil
	})
}

func sampleCase(t *testing.T) Case {
	return Case{
		Folder: folder(t, "sample", manual),
		Good:   []string{`{"path":"/a","login":{"user":"me"}}`},
		Bad:    []Bad{{Config: `{"path":"a"}`, Path: "path"}, {Config: `{"login":{}}`, Path: "login.user"}},
		Up:     at(80),
		Down:   at(1),
	}
}

func TestAGoodPluginConforms(t *testing.T) {
	Conform(t, sample(), sampleCase(t))
}

// complaintsOf returns what the kit says of a plugin, with the rules' names in front.
func complaintsOf(t *testing.T, p sdk.Plugin, c Case, only string) []string {
	t.Helper()
	var wrong []string
	asked := false
	for _, r := range contract.Rules() {
		if only != "" && !strings.Contains(r.Name, only) {
			continue
		}
		asked = true
		wrong = append(wrong, ask(t, p, c, r)...)
	}
	if !asked {
		t.Fatalf("there is no rule %q", only)
	}
	return wrong
}

// complains fails the test unless one of the complaints has the words.
func complains(t *testing.T, wrong []string, words string) {
	t.Helper()
	if !slices.ContainsFunc(wrong, func(s string) bool { return strings.Contains(s, words) }) {
		t.Errorf("nobody complains: %s\nonly: %q", words, wrong)
	}
}

func TestWhatAPluginSaysOfItself(t *testing.T) {
	probe := func(context.Context, sdk.Target, Config) error { return nil }
	for _, tt := range []struct {
		info  sdk.Info
		words string
	}{
		{sdk.Info{Name: "sample", Version: "new", Schema: sdk.Schema{Doc: "asks"}}, `its version is "new"`},
		{sdk.Info{Name: "sample", Version: "1.0.0"}, "no sentence"},
	} {
		complains(t, complaintsOf(t, sdk.NewCheck(tt.info, probe), Case{}, "completely"), tt.words)
	}
}

func TestASchemaWithoutWords(t *testing.T) {
	type bare struct {
		Path  string `attr:"path"`
		Odd   string `attr:"a__b" doc:"a"`
		Token string `attr:"api_token" doc:"a"`
		Key   string `attr:"token_file" doc:"a"`
		Block *struct {
			Deep string `attr:"deep"`
		} `block:"inner"`
	}
	p := sdk.NewCheck(info(), func(context.Context, sdk.Target, bare) error { return nil })
	wrong := complaintsOf(t, p, Case{}, "schema is documented")
	slices.Sort(wrong)
	want := []string{
		"attribute a__b is no name like body_match",
		"attribute api_token sounds like a secret and is not sensitive",
		"attribute inner.deep has no doc",
		"attribute path has no doc",
		"block inner has no doc",
	}
	if !slices.Equal(wrong, want) {
		t.Errorf("got %q\nwant %q", wrong, want)
	}
}

func TestAManualPageThatIsWrong(t *testing.T) {
	for _, tt := range []struct{ old, new, words string }{
		{`# check "sample"`, `# The sample`, `README.md begins with "# The sample"`},
		{"Asks.\n", "", "does not say what the plugin does"},
		{"## Limits", "## Bounds", "of the headings"},
		{"## Metrics", "## Examples", "of the headings"},
		{"| `retries` |", "| `tries` |", "no row for the attribute `retries`"},
		{"| `retries` |", "| `tries` |", "a row for `tries`, which the schema has not"},
		{"| `wait` | duration", "| `wait` | string", "says that `wait` is a string, it is a duration"},
		{"`/`", "`/index`", "the default of `path` is `/index`, it is \"/\""},
		{"`/`", "none", "the default of `path` is none"},
		{`["a", "b"]`, `["b", "a"]`, "the default of `codes`"},
		{"| `retries` | int | none", "| `retries` | int | `\"3\"`", "the default of `retries` is `\"3\"`, it has none"},
		{"required", "none", "does not say that `login { user }` is required"},
		{"`login { password }`", "`password`", "no row for the attribute `login { password }`"},
	} {
		if !strings.Contains(manual, tt.old) {
			t.Fatalf("the page has no %q", tt.old)
		}
		c := sampleCase(t)
		c.Folder = folder(t, "sample", strings.Replace(manual, tt.old, tt.new, 1))
		complains(t, complaintsOf(t, sample(), c, "README"), tt.words)
	}
	complains(t, complaintsOf(t, sample(), Case{Folder: t.TempDir()}, "README"), "no such file")
}

func TestConfigurationsThatAreJudgedWrong(t *testing.T) {
	good, bad := sampleCase(t), sampleCase(t)
	good.Good = append(good.Good, `{"path":"a"}`)
	complains(t, complaintsOf(t, sample(), good, "good configurations"), `{"path":"a"} is refused: path: it must begin with /`)
	complains(t, complaintsOf(t, sample(), good, "refuses and accepts"), `{"path":"a"} is refused: path: it must begin with /`)
	bad.Bad = append(bad.Bad, Bad{Config: `{"path":"/b"}`}, Bad{Config: `{"path":"b"}`, Path: "codes"})
	for _, rule := range []string{"bad configurations", "refuses and accepts"} {
		complains(t, complaintsOf(t, sample(), bad, rule), `{"path":"/b"} is accepted`)
		complains(t, complaintsOf(t, sample(), bad, rule), `{"path":"b"}: no complaint is at codes`)
	}
	lax := sdk.NewCheckEngine(info(), func(sdk.Host) sdk.Checker { return &broken{} }) // asks nobody
	complains(t, complaintsOf(t, lax, Case{}, "bad configurations"), `{"no_such_attribute":1} is accepted`)
}

// broken is a Checker that does nothing right, or most things, as its fields say.
type broken struct {
	state                          func(id string) sdk.Verdict
	noSnapshot, twice, again, deaf bool

	mu      sync.Mutex
	targets map[string]bool
	update  uint64
}

func (b *broken) Apply(_ context.Context, u sdk.TargetUpdate) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.targets == nil {
		b.targets = make(map[string]bool)
	}
	if u.Full {
		clear(b.targets)
	}
	for _, t := range u.Targets {
		b.targets[t.ID] = true
	}
	if !b.deaf {
		for _, id := range u.Removed {
			delete(b.targets, id)
		}
	}
	b.update = u.Generation
	return nil
}

func (b *broken) Watch(ctx context.Context, report func(sdk.CheckReport)) error {
	first := true
	for {
		b.mu.Lock()
		r := sdk.CheckReport{Generation: b.update, Snapshot: (first || b.twice) && !b.noSnapshot}
		if first || b.again {
			for id := range b.targets {
				v := b.state(id)
				v.TargetID = id
				r.Verdicts = append(r.Verdicts, v)
			}
		}
		b.mu.Unlock()
		first = false
		report(r)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(contract.Interval / 4):
		}
	}
}

func (b *broken) Probe(_ context.Context, t sdk.Target) error {
	if v := b.state(t.ID); v.State == sdk.StateDown {
		return errors.New(v.Reason)
	}
	return nil
}

// right is what a good plugin says of the kit's targets.
func right(id string) sdk.Verdict {
	if id == "down" {
		return sdk.Verdict{State: sdk.StateDown, Reason: "nobody there", Since: time.Now()}
	}
	return sdk.Verdict{State: sdk.StateUp, Since: time.Now()}
}

func TestCheckersThatAreWrong(t *testing.T) {
	says := func(change func(*sdk.Verdict)) func(string) sdk.Verdict {
		return func(id string) sdk.Verdict {
			v := right(id)
			change(&v)
			return v
		}
	}
	for _, tt := range []struct {
		checker     *broken
		rule, words string
	}{
		{&broken{noSnapshot: true}, "begins with a snapshot", "report 0: snapshot is false"},
		{&broken{twice: true}, "begins with a snapshot", "report 1: snapshot is true"},
		{&broken{state: says(func(v *sdk.Verdict) { v.Reason = "" })}, "begins with a snapshot", "there is no reason"},
		{&broken{state: says(func(v *sdk.Verdict) { v.Reason = "panic: x" })}, "begins with a snapshot", "the reason is a panic"},
		{&broken{state: says(func(v *sdk.Verdict) { v.Since = time.Time{} })}, "begins with a snapshot", "down since"},
		{&broken{state: says(func(v *sdk.Verdict) { v.Factor = sdk.FactorOf(50) })}, "begins with a snapshot", "does not declare that it weighs"},
		{&broken{state: says(func(v *sdk.Verdict) { v.Factor = sdk.FactorOf(50) })}, "begins with a snapshot", "has a weight, and it is down"},
		{&broken{again: true}, "applying twice", "applying the same again leads to"},
		{&broken{deaf: true, again: true}, "removed target", "of the removed target it says"},
		{&broken{state: says(func(v *sdk.Verdict) { v.State = sdk.StateUp })}, "a probe beside", "finds it up"},
		{&broken{state: says(func(v *sdk.Verdict) { v.State = sdk.StateDown })}, "a probe beside", "a probe of the target that is up"},
		{&broken{}, "make no sense", "for a configuration is accepted"},
	} {
		if tt.checker.state == nil {
			tt.checker.state = right
		}
		p := sdk.NewCheckEngine(info(), func(sdk.Host) sdk.Checker { return tt.checker })
		complains(t, complaintsOf(t, p, Case{Up: at(80), Down: at(1)}, tt.rule), tt.words)
	}
}

func TestAPluginThatLeavesGoroutinesBehind(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	p := sdk.NewCheckEngine(info(), func(sdk.Host) sdk.Checker {
		go func() { <-release }()
		return &broken{state: right}
	})
	complains(t, complaintsOf(t, p, Case{Up: at(80), Down: at(1)}, "it stops"), "still goroutines")
}

func TestADeclaredPluginIsAskedWhatItIs(t *testing.T) {
	p := sdk.Declare[Config](sdk.Info{Kind: sdk.KindNotify, Name: "sample"})
	page := strings.Replace(manual[:strings.Index(manual, "## Metrics")], "check", "notify", 1)
	Conform(t, p, Case{Folder: folder(t, "sample", page), Bad: []Bad{{Config: `{"path":"a"}`, Path: "path"}}})
}
