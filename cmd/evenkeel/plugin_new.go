package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// skeletons has a folder of templates for each kind of plugin that can be begun.
//
//go:embed skeleton
var skeletons embed.FS

// A skeleton is what the templates are filled with.
type skeleton struct {
	Name   string // the type's: "greeting"
	Binary string // "check-greeting", the module's name, too
	Go     string // the version of the language, "1.26"
	SDK    string // a tree of evenkeel in place of the published module; "": none
}

func newPluginNew() *cobra.Command {
	var tree string
	c := &cobra.Command{
		Use:   "new check NAME [DIR]",
		Short: "Write a check plugin in Go to begin with, that builds and passes its tests",
		Long: `Write a check plugin in Go to begin with: go.mod, main.go, main_test.go with the conformance kit, and README.md. DIR is
check-NAME unless it is given; nothing in it is overwritten. It builds and passes its tests as it is:

    evenkeel plugin new check greeting
    cd check-greeting
    go mod tidy && go test ./... && CGO_ENABLED=0 go build

With --sdk, go.mod takes package sdk from a tree of evenkeel on this machine, and not from where it is published.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 || len(args) > 3 || args[0] != string(sdk.KindCheck) {
				return errors.New(`write "evenkeel plugin new check NAME", or "evenkeel plugin new check NAME DIR"; other kinds have no skeleton yet`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := ""
			if len(args) == 3 {
				dir = args[2]
			}
			return newCheckIn(cmd, args[1], dir, tree)
		},
	}
	c.Flags().StringVar(&tree, "sdk", "", "a folder with the source of evenkeel, where its go.mod is")
	return c
}

func newCheckIn(cmd *cobra.Command, name, dir, tree string) error {
	info := sdk.Info{Kind: sdk.KindCheck, Name: name, Version: "0.1.0"}
	if err := info.Check(); err != nil {
		return err
	}
	if _, ok := builtin(info.String()); ok {
		return fmt.Errorf("check %q is built in: take another name", name)
	}
	s := skeleton{Name: name, Binary: info.String(), Go: language()}
	if dir == "" {
		dir = s.Binary
	}
	if tree != "" {
		var err error
		if s.SDK, err = module(tree); err != nil {
			return err
		}
	}
	if err := s.write(dir); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s has a check that works. Next:\n\n    cd %s\n    go mod tidy && go test ./... && CGO_ENABLED=0 go build\n    evenkeel plugin describe ./%s\n\n", dir, dir, s.Binary)
	fmt.Fprintln(out, "Then make probe in main.go what your check is to be, and README.md what it is: the tests compare them.")
	return nil
}

// language is the version of Go that the skeleton asks for: that of this binary's own toolchain, "1.26".
func language() string {
	v := strings.Split(strings.TrimPrefix(runtime.Version(), "go"), ".")
	if len(v) < 2 {
		return "1.26" // a toolchain between releases
	}
	return v[0] + "." + v[1]
}

// module returns the path of a tree of evenkeel as go.mod has it: quoted where it must be.
func module(tree string) (string, error) {
	abs, err := filepath.Abs(tree)
	if err != nil {
		return "", fmt.Errorf("finding the source of evenkeel: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(abs, "go.mod"))
	if err != nil || !strings.HasPrefix(string(b), "module github.com/evenkeel/evenkeel\n") {
		return "", fmt.Errorf("--sdk %s: it is not the folder of evenkeel's source, whose go.mod says module github.com/evenkeel/evenkeel", tree)
	}
	if strings.ContainsAny(abs, " \t\"'`,()[]{}") {
		return strconv.Quote(abs), nil
	}
	return abs, nil
}

// write fills the templates into a folder, which is made if it is not there. A file that is there is an error, and nothing
// is written then.
func (s skeleton) write(dir string) error {
	const of = "skeleton/check"
	files, err := fs.ReadDir(skeletons, of)
	if err != nil {
		return err
	}
	path := func(f fs.DirEntry) string { return filepath.Join(dir, strings.TrimSuffix(f.Name(), ".tmpl")) }
	for _, f := range files {
		if _, err := os.Lstat(path(f)); err == nil {
			return fmt.Errorf("%s is there already, and is left as it is: give another folder", path(f))
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	for _, f := range files {
		t, err := template.New(f.Name()).Delims("<<", ">>").ParseFS(skeletons, of+"/"+f.Name()) // Go has {{ itself
		if err != nil {
			return err
		}
		var b strings.Builder
		if err := t.Execute(&b, s); err != nil {
			return err
		}
		if err := os.WriteFile(path(f), []byte(b.String()), 0o666); err != nil {
			return fmt.Errorf("writing the skeleton: %w", err)
		}
	}
	return nil
}
