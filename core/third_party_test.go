package core

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// install puts a plugin that is not built in beside the configuration and returns its path and digest.
func (b *box) install() (path, digest string) {
	b.t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		b.t.Fatal(err)
	}
	defer self.Close()
	path = filepath.Join(b.dir, somebodyElses)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		b.t.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, h), self); err != nil {
		b.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.t.Fatal(err)
	}
	return path, fmt.Sprintf("%x", h.Sum(nil))
}

// writeFlag writes a configuration that uses the plugin, with one more line in its check block.
func (b *box) writeFlag(path, digest, line string) {
	b.writeText(fmt.Sprintf(`plugin "check" "flag" {
  path   = %q
  sha256 = %q
}
virtual_server "web" {
  address  = "192.0.2.1:80"
  protocol = "tcp"
  forward  = "dr"
  check "flag" {
    interval = "20ms"
    path     = %q
    %s
  }
  real_server "192.0.2.11:80" {}
}
`, path, digest, filepath.Join(b.dir, "one"), line))
}

func TestSomebodyElsesCheckWorksAsABuiltInDoes(t *testing.T) {
	b := newBox(t)
	path, digest := b.install()
	b.writeFlag(path, digest, "")
	if _, text, err := Check(testPlugins(), []string{b.config}, false); err != nil || text != "" {
		t.Fatalf("the check of the configuration: %v\n%s", err, text)
	}
	b.start()
	b.eventually("the server is in", are("up 1"))
	b.up("one", false)
	b.eventually("it is out", func(st *controlv1.StatusResponse) bool { return strings.HasPrefix(states(st), "down - no one") })
	for _, p := range b.status().Plugins {
		if p.Name == "check-flag" && p.Version != "7" {
			t.Errorf("the version in the status is %q", p.Version)
		}
	}
}

func TestAWrongAttributeOfSomebodyElsesCheckIsReportedAtItsLine(t *testing.T) {
	b := newBox(t)
	path, digest := b.install()
	b.writeFlag(path, digest, "colour = \"red\"")
	_, text, err := Check(testPlugins(), []string{b.config}, false)
	var ce *ConfigError
	if !errors.As(err, &ce) || !strings.Contains(text, "lb.hcl:12,5") || !strings.Contains(text, "colour") {
		t.Errorf("got %v:\n%s", err, text)
	}
}

func TestAPluginThatIsNotTheOneThatWasPinnedIsNotStarted(t *testing.T) {
	b := newBox(t)
	path, _ := b.install()
	b.writeFlag(path, strings.Repeat("0", 64), "")
	_, text, err := Check(testPlugins(), []string{b.config}, false)
	var ce *ConfigError
	if !errors.As(err, &ce) || !strings.Contains(text, "sha256") {
		t.Errorf("got %v:\n%s", err, text)
	}
}

func TestAPluginTakesThePlaceOfABuiltInTypeAndThatIsSaid(t *testing.T) {
	b := newBox(t)
	path, digest := b.install()
	b.writeFlag(path, digest, "") // with an attribute that the built-in type does not have
	builtin := sdk.NewCheck(sdk.Info{Name: "flag", Version: "built in"}, func(context.Context, sdk.Target, struct{}) error { return nil })
	_, text, err := Check(append(testPlugins(), builtin), []string{b.config}, false)
	if err != nil || !strings.Contains(text, "takes its place") {
		t.Errorf("got %v:\n%s", err, text)
	}
}

func TestTheSameTypeIsBuiltInForNobodyElse(t *testing.T) {
	b := newBox(t)
	b.writeText(`virtual_server "web" {
  address  = "192.0.2.1:80"
  protocol = "tcp"
  forward  = "dr"
  check "flag" {}
  real_server "192.0.2.11:80" {}
}
`)
	_, text, err := Check(testPlugins(), []string{b.config}, false)
	if err == nil || !strings.Contains(text, "lb.hcl:5,") || !strings.Contains(text, "flag") {
		t.Errorf("got %v:\n%s", err, text)
	}
}
