package modules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/kmod"
	"github.com/evenkeel/evenkeel/image/modules"
)

// tree is a kernel with modules of no content, which no closure opens as long as none is chosen.
func tree(t *testing.T, paths ...string) *kmod.Tree {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "6.1.0")
	for _, p := range append(paths, "fs/unused") {
		file := filepath.Join(dir, "kernel", p+".ko")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.builtin"), []byte("kernel/fs/proc.ko\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tr, err := kmod.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestPathThatTheKernelHasNotIsAnError(t *testing.T) {
	_, err := modules.Select(tree(t), "# comment\nfs/exr4\n")
	if err == nil || !strings.Contains(err.Error(), "has no module fs/exr4") {
		t.Errorf("got %v", err)
	}
	if list, err := modules.Select(tree(t), "fs/proc # built in\n"); err != nil || len(list) != 0 {
		t.Errorf("built in: got %v, %v, want nothing", list, err)
	}
}

func TestLineWithAMinusTakesOutAgain(t *testing.T) {
	list, err := modules.Select(tree(t, "lib/test_bpf"), "lib\n-lib/test_bpf\n")
	if err != nil || len(list) != 0 {
		t.Errorf("got %v, %v, want nothing", list, err)
	}
}

// A folder keeps files by name.
type folder map[string]string

func (f folder) File(name string, _ uint32, data []byte) error {
	f[name] = string(data)
	return nil
}

func TestModulesLieInOneFolderWithTheirIndexes(t *testing.T) {
	tr := tree(t, "net/ip_vs")
	list := []kmod.Module{{Name: "ip_vs", File: filepath.Join(t.TempDir(), "ip_vs.ko"), Aliases: []string{"ipvs"}}}
	if err := os.WriteFile(list[0].File, []byte("ELF"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := folder{}
	if err := modules.Install(tr, list, got); err != nil {
		t.Fatal(err)
	}
	want := folder{
		"lib/modules/6.1.0/ip_vs.ko":        "ELF",
		"lib/modules/6.1.0/modules.dep":     "ip_vs.ko: \n",
		"lib/modules/6.1.0/modules.alias":   "alias ipvs ip_vs\n",
		"lib/modules/6.1.0/modules.softdep": "",
		"lib/modules/6.1.0/modules.builtin": "proc.ko\n",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
