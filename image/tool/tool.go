// Package tool runs the programs of other people that an image is built with.
package tool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A Runner says how programs are run. The zero Runner runs them here, with this process's environment.
type Runner struct {
	Dir string   // the folder to run in; "": the current one
	Env []string // added to the environment: "NAME=value"
}

// Run runs a program to its end and returns what it printed. An error names the command and has the end of what it said.
// Programs of the administrator (/usr/sbin) are found even if $PATH has them not, as for a user of Debian.
func (r Runner) Run(ctx context.Context, name string, args ...string) (string, error) {
	path, err := Find(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = r.Dir
	cmd.Env = append(os.Environ(), append([]string{"LC_ALL=C", "TZ=UTC"}, r.Env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, Tail(strings.TrimSpace(string(out))))
	}
	return string(out), nil
}

// Find returns the path of a program.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if path, e := exec.LookPath(dir + name); e == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("program %s is not installed: %w", name, err)
}

// Tail returns the end of a text that is too long to show.
func Tail(s string) string {
	const most = 2000
	if len(s) > most {
		s = "..." + s[len(s)-most:]
	}
	return s
}
