package conventions

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/evenkeel/evenkeel/"

// root is the repository, seen from this folder.
const root = "../.."

func TestTheTopLevelHasItsFoldersAndNothingElse(t *testing.T) {
	allowed := strings.Fields("core plugins appliance image rootfs cmd hcl docs go.mod go.sum Makefile README.md LICENSE")
	for _, name := range tracked(t) {
		top, _, _ := strings.Cut(name, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(allowed, top) {
			t.Errorf("%s: %q has no place at the top level", name, top)
		}
	}
}

// A goPackage is what "go list -json" says of a package.
type goPackage struct {
	ImportPath                         string
	Name                               string
	Doc                                string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		var ee *exec.ExitError
		if errors.As(err, &ee) {
			t.Fatalf("listing the packages: %v\n%s", err, ee.Stderr)
		}
		t.Fatalf("listing the packages: %v", err)
	}
	var ps []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case err == io.EOF:
			return ps
		case err != nil:
			t.Fatalf("reading the list of packages: %v", err)
		}
		ps = append(ps, p)
	}
}

// room is the folder that a package belongs to, as far as the import rules know it: "core", "plugins/check/http".
func room(path string) string {
	parts := strings.Split(path, "/")
	n := 1
	if parts[0] == "plugins" && len(parts) > 1 {
		n = 2
		if slices.Contains([]string{"check", "notify", "provision"}, parts[1]) {
			n = 3
		}
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}

// mayImport says whether a package may import another one of ours, both without the module's name.
func mayImport(from, to string) bool {
	under := func(dir string) bool { return to == dir || strings.HasPrefix(to, dir+"/") }
	r := room(from)
	switch {
	case under(r):
		return true
	case r == "cmd", r == "docs":
		return true
	case r == "core":
		return under("hcl") || under("plugins/sdk")
	case r == "appliance":
		return under("core/control") || under("hcl")
	case r == "image":
		return under("rootfs")
	case strings.HasPrefix(r, "plugins/") && r != "plugins/sdk":
		return under("plugins/sdk")
	}
	return false // hcl and plugins/sdk: nothing of ours
}

func TestNobodyImportsAcrossTheRules(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if to, ours := strings.CutPrefix(i, module); ours && !mayImport(from, to) {
				t.Errorf("%s imports %s, which it may not", from, to)
			}
			if strings.HasPrefix(i, "github.com/hashicorp/go-plugin") && !strings.HasPrefix(from, "core/supervisor") && !strings.HasPrefix(from, "plugins/sdk") {
				t.Errorf("%s imports go-plugin, which core/supervisor and plugins/sdk wrap for everybody", from)
			}
		}
	}
}

func TestTheImportRulesRefuseWhatTheyShould(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"core/director", "hcl/config", true},
		{"core", "plugins/sdk", true},
		{"core", "plugins/ipvs", false},
		{"plugins/check/http", "plugins/sdk", true},
		{"plugins/check/http", "plugins/check/tcp", false},
		{"plugins/ipvs", "core/director", false},
		{"plugins/sdk", "hcl/config", false},
		{"hcl/load", "plugins/sdk", false},
		{"hcl/load", "hcl/config", true},
		{"image/lab", "core", false},
		{"appliance/console", "core/control", true},
		{"appliance/console", "core/director", false},
		{"cmd/evenkeel", "plugins/ipvs", true},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: allowed is %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestPackageNamesAreNounsOfTheField(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "manager", "misc"}, p.Name) {
			t.Errorf("%s: no package is called %q", p.ImportPath, p.Name)
		}
		if p.Doc == "" && len(p.GoFiles) > 0 && !strings.HasSuffix(p.ImportPath, "v1") {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// pluginFolders are the folders that hold a plugin, named after it; declared says whether its machinery is still to come.
func pluginFolders(t *testing.T) map[string]bool {
	t.Helper()
	folders := map[string]bool{}
	for _, pattern := range []string{"plugins/check/*", "plugins/notify/*", "plugins/provision/*", "plugins/ipvs", "plugins/vrrp"} {
		dirs, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dirs {
			_, err := os.Stat(filepath.Join(d, filepath.Base(d)+".go"))
			folders[strings.TrimPrefix(d, root+"/")] = errors.Is(err, fs.ErrNotExist)
		}
	}
	if len(folders) < 4 {
		t.Fatalf("found only %d plugins", len(folders))
	}
	return folders
}

func TestEachPluginHasTheSameFiles(t *testing.T) {
	for dir, declared := range pluginFolders(t) {
		files := []string{"README.md"}
		if !declared {
			name := filepath.Base(dir)
			files = append(files, "schema.go", name+".go", name+"_test.go")
		}
		for _, f := range files {
			if _, err := os.Stat(filepath.Join(root, dir, f)); err != nil {
				t.Errorf("%s has no %s", dir, f)
			}
		}
	}
}

func TestNothingRunsAtImport(t *testing.T) {
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".pb.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", name)
			}
		}
	}
}

func TestGeneratedCodeIsUpToDate(t *testing.T) {
	if _, err := exec.LookPath("protoc"); err != nil {
		t.Skip("protoc is not installed: make packages-proto")
	}
	out := t.TempDir()
	cache, err := filepath.Abs(filepath.Join(root, ".cache"))
	if err != nil {
		t.Fatal(err)
	}
	pins := protocPins(t)
	cmd := exec.Command(".ci/proto", cache, pins["PROTOC_GEN_GO"], pins["PROTOC_GEN_GO_GRPC"], out)
	cmd.Dir = root
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("generating: %v\n%s", err, b)
	}
	n := 0
	err = filepath.WalkDir(out, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		n++
		rel, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what its .proto says: make proto", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Error("nothing was generated")
	}
}

// protocPins reads the versions that the Makefile uses.
func protocPins(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	pins := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":="); ok {
			pins[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for _, want := range []string{"PROTOC_GEN_GO", "PROTOC_GEN_GO_GRPC"} {
		if pins[want] == "" {
			t.Fatalf("the Makefile does not say %s", want)
		}
	}
	return pins
}

// tracked are the files that git knows, from the repository's root.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asking git for the files: %v", err)
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
}
