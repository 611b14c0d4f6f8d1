package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheLastGoodConfigurationIsReadWhileAnotherProcessHasTheFolder(t *testing.T) {
	dir := t.TempDir()
	if _, ok := ReadConfig(dir); ok {
		t.Error("there is one before any was kept")
	}
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	want := map[string][]byte{"box.hcl": []byte("appliance {}")}
	if err := j.SaveConfig(want, time.Now()); err != nil {
		t.Fatal(err)
	}
	got, ok := ReadConfig(dir)
	if !ok || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v", got, ok)
	}
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte("half of"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := ReadConfig(dir); ok {
		t.Error("a damaged one is taken for good")
	}
}
