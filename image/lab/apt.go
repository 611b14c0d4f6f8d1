package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// apt gets Debian packages. The package lists are fetched once, and only when something is not found without.
type apt struct {
	progress io.Writer
	updated  bool
}

func (a *apt) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, tail(strings.TrimSpace(string(out))))
	}
	return string(out), nil
}

// try does something, and once more with new package lists when it fails.
func (a *apt) try(ctx context.Context, do func() error) error {
	err := do()
	if err == nil || a.updated || ctx.Err() != nil {
		return err
	}
	a.updated = true
	fmt.Fprintln(a.progress, "fetching Debian's package lists")
	if _, err := a.run(ctx, "", "apt-get", "update", "-q"); err != nil {
		return err
	}
	return do()
}

func (a *apt) install(ctx context.Context, packages []string) error {
	return a.try(ctx, func() error {
		_, err := a.run(ctx, "", "apt-get", append([]string{"install", "-y", "-q", "--no-install-recommends"}, packages...)...)
		return err
	})
}

// dependency returns the first package that a metapackage depends on.
func (a *apt) dependency(ctx context.Context, pkg string) (name string, err error) {
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

// unpack downloads a package and unpacks its files into dir, without installing it. dir appears when it is complete.
func (a *apt) unpack(ctx context.Context, pkg, dir string) error {
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
