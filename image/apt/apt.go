// Package apt gets Debian packages: installed on this machine, or only downloaded and unpacked, which needs no root.
package apt

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/tool"
)

// A Source gets Debian packages from where apt of this machine gets them. The package lists are fetched once, and only
// when something is not found without.
type Source struct {
	Progress io.Writer // told what takes a while

	updated bool
}

// Version returns the version of a package that would be downloaded.
func (a *Source) Version(ctx context.Context, pkg string) (version string, err error) {
	err = a.try(ctx, func() error {
		out, err := a.run(ctx, "", "apt-cache", "policy", pkg)
		if err != nil {
			return err
		}
		for _, line := range strings.Split(out, "\n") {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate: "); ok && v != "(none)" {
				version = v
				return nil
			}
		}
		return fmt.Errorf("no package %s in Debian", pkg)
	})
	return version, err
}

func (a *Source) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	return tool.Runner{Dir: dir, Env: []string{"DEBIAN_FRONTEND=noninteractive"}}.Run(ctx, name, args...)
}

// try does something, and once more with new package lists when it fails.
func (a *Source) try(ctx context.Context, do func() error) error {
	err := do()
	if err == nil || a.updated || ctx.Err() != nil {
		return err
	}
	a.updated = true
	fmt.Fprintln(a.Progress, "fetching Debian's package lists")
	if _, err := a.run(ctx, "", "apt-get", "update", "-q"); err != nil {
		return err
	}
	return do()
}

// Install installs packages, which needs root.
func (a *Source) Install(ctx context.Context, packages []string) error {
	return a.try(ctx, func() error {
		_, err := a.run(ctx, "", "apt-get", append([]string{"install", "-y", "-q", "--no-install-recommends"}, packages...)...)
		return err
	})
}

// Dependency returns the first package that a metapackage depends on.
func (a *Source) Dependency(ctx context.Context, pkg string) (name string, err error) {
	err = a.try(ctx, func() error {
		out, err := a.run(ctx, "", "apt-cache", "depends", pkg)
		if err != nil {
			return err
		}
		for _, line := range strings.Split(out, "\n") {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
				name = n
				return nil
			}
		}
		return fmt.Errorf("package %s depends on nothing", pkg)
	})
	return name, err
}

// Unpack downloads a package and unpacks its files into dir, without installing it. dir appears when it is complete.
func (a *Source) Unpack(ctx context.Context, pkg, dir string) error {
	temp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	// apt's download user (_apt) must be able to write here, or apt warns.
	if err := os.Chmod(temp, 0o777); err != nil {
		return err
	}
	if err := a.try(ctx, func() error {
		_, err := a.run(ctx, temp, "apt-get", "download", "-q", pkg)
		return err
	}); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(temp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("download of %s: %d files came, want 1", pkg, len(debs))
	}
	if _, err := a.run(ctx, temp, "dpkg-deb", "-x", debs[0], filepath.Join(temp, "files")); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(filepath.Join(temp, "files"), dir)
}
