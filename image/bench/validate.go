package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// validate measures the checking of a configuration file, on the host. There are 16 real servers to a virtual server.
func (o *Options) validate(ctx context.Context, r *Report) error {
	dir, err := os.MkdirTemp("", "evenkeel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(o.Log, "validate: %d x 16 real servers, each with a check, on the host\n", o.Scale)
	write := func(name string, text []byte) (string, error) {
		file := filepath.Join(dir, name)
		return file, os.WriteFile(file, text, 0o600)
	}
	each := Size{VirtualServers: o.Scale, RealServers: 16, Checks: PerRealServer, Weight: 1}
	shared := Size{VirtualServers: o.Scale, RealServers: 16, Checks: PerVirtualServer, Weight: 1}
	kd, err := write("keepalived.conf", each.Keepalived())
	if err != nil {
		return err
	}
	forms := []struct {
		what, file string
		text       []byte
	}{
		{"a check block in each real server", "each.hcl", each.Evenkeel()},
		{"a check block in each virtual server", "shared.hcl", shared.Evenkeel()},
	}
	for _, form := range forms {
		what := fmt.Sprintf("validate %dx16, %s, ", o.Scale, form.what)
		r.goal(what+"s", 3)
		r.goal(what+"CPU s", 3)
		ek, err := write(form.file, form.text)
		if err != nil {
			return err
		}
		for range o.reps(7) {
			if o.Evenkeel != "" {
				if err := timed(ctx, r, what, evenkeel, o.Evenkeel, "validate", ek); err != nil {
					return err
				}
			}
			if err := timed(ctx, r, what, keepalived, o.Keepalived, "-t", "-f", kd); err != nil {
				return err
			}
		}
	}
	return nil
}

// timed runs a command, and adds the time that passed and the processor time that it and its children took.
func timed(ctx context.Context, r *Report, what string, column int, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	passed := time.Since(began)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(argv[0]), err, firstLines(string(out)))
	}
	r.add(what+"s", column, passed.Seconds())
	r.add(what+"CPU s", column, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	return nil
}

// firstLines shortens a text for an error.
func firstLines(s string) string {
	const most = 1500
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// lastLines are the last words of a log.
func lastLines(s string) string {
	const most = 1500
	if len(s) > most {
		return "..." + s[len(s)-most:]
	}
	return s
}
