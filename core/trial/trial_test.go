package trial

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/badplugin"
)

// TestMain makes this binary the shim before a plugin, and each plugin by the name of its file.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == supervisor.ExecArgument {
		fmt.Fprintln(os.Stderr, supervisor.Exec(os.Args[2:]))
		os.Exit(supervisor.ExecFailed)
	}
	switch name := filepath.Base(os.Args[0]); name {
	case "check-sample", "notify-sample", "provision-sample":
		sdk.Serve(sample(name))
		os.Exit(0)
	case "stops-itself":
		badplugin.Serve(name)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Config has one of everything that is written otherwise in JSON than in HCL.
type Config struct {
	Text  string        `attr:"text" default:"a" doc:"a text"`
	Wait  time.Duration `attr:"wait" default:"1s" doc:"how long"`
	Login *struct {
		User string `attr:"user" required:"true" doc:"the name"`
	} `block:"login" doc:"who asks"`
	Step []struct {
		Say string `attr:"say" doc:"what to say"`
	} `block:"step" doc:"one of a dialogue"`
}

func sample(name string) sdk.Plugin {
	i := sdk.Info{Name: "sample", Version: "1.0.0", Schema: sdk.Schema{Doc: "Does nothing."}}
	switch name {
	case "notify-sample":
		return sdk.NewNotify(i, func(context.Context, sdk.Delivery, Config) error { return nil })
	case "provision-sample":
		return sdk.NewProvision(i, func(context.Context, sdk.Provisioning, Config, bool, func(sdk.ProvisionReport)) error { return nil })
	}
	return sdk.NewCheck(i, func(_ context.Context, _ sdk.Target, c Config) error {
		if c.Text == "down" {
			return fmt.Errorf("it is %s", c.Text)
		}
		return nil
	})
}

// opened starts the plugin of that name.
func opened(t *testing.T, name string) *Trial {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	path := filepath.Join(sdktest.OpenDir(t), name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, self); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	tr, err := Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func TestAGoodPluginOfAnyKindKeepsAllRules(t *testing.T) {
	for _, name := range []string{"check-sample", "notify-sample", "provision-sample"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := opened(t, name)
			up, err := tr.Configuration("")
			if err != nil {
				t.Fatal(err)
			}
			down, err := tr.Configuration(`text = "down"`)
			if err != nil {
				t.Fatal(err)
			}
			s := contract.Subject{
				Good: []string{string(up)},
				Up:   contract.Scheduled("up", sdk.Target{Config: up}), Down: contract.Scheduled("down", sdk.Target{Config: down}),
			}
			asked := 0
			tr.Ask(t.Context(), s, func(a Answer) {
				asked++
				for _, w := range a.Wrong {
					t.Errorf("%s: %s", a.Rule, w)
				}
			})
			if asked < 8 {
				t.Errorf("only %d rules were asked about", asked)
			}
		})
	}
}

func TestAConfigurationIsTheSameInHCLAndInJSON(t *testing.T) {
	for _, name := range []string{"check-sample", "notify-sample", "provision-sample"} {
		tr := opened(t, name)
		const want = `{"login":{"user":"me"},"step":[{"say":"${a} %{b}"},{}],"text":"x\"y","wait":"1s"}`
		for _, body := range []string{
			"text = \"x\\\"y\"\nlogin {\n user = \"me\"\n}\nstep {\n say = \"$${a} %%{b}\"\n}\nstep {}",
			`{"text":"x\"y","login":{"user":"me"},"step":[{"say":"${a} %{b}"},{}]}`,
		} {
			if got, err := tr.Configuration(body); err != nil || string(got) != want {
				t.Errorf("%s: %s\nis %s, %v\nwant %s", name, body, got, err, want)
			}
		}
	}
}

func TestWhatIsWrongWithAConfigurationIsSaidWithItsPlace(t *testing.T) {
	tr := opened(t, "check-sample")
	for body, want := range map[string]string{
		`login {}`:      "on --config:2,",
		`wait = "soon"`: "on --config:2,",
		`{"wait":1}`:    "on --config:2,",
		`{"step":{}}`:   "reading the blocks step",
		`{`:             "reading the configuration",
	} {
		if _, err := tr.Configuration(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestAPluginThatHangsDoesNotHoldUpTheTrial(t *testing.T) {
	tr := opened(t, "stops-itself")
	began := time.Now()
	wrong := tr.served(t.Context(), contract.Subject{Info: tr.Info}, func(ctx context.Context, s *contract.Subject, _ *process) []string {
		if err := sdk.NewCheckerClient(s.Conn).Apply(ctx, sdk.TargetUpdate{Full: true}); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		return nil
	})
	if took := time.Since(began); took > 3*silence+5*time.Second || !strings.Contains(fmt.Sprint(wrong), "it hangs: no answer for 3s") {
		t.Errorf("after %s: %q", took, wrong)
	}
}
