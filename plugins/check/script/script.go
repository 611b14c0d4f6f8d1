// Package script is check "script": what it watches is up when a program of the operator's exits with 0.
package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Plugin is check "script".
func Plugin() sdk.Plugin {
	p := &prober{root: os.Geteuid() == 0, trust: onlyRoots(osTree{})}
	return sdk.NewCheck(sdk.Info{
		Name: "script", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Runs a program; up when it exits with 0.", Weighs: true},
	}, p.probe)
}

// A prober runs programs.
type prober struct {
	root  bool                    // whether it can become another user
	trust func(path string) error // says why a program must not be run as root's child
}

// probe runs the program once. Its errors are reasons for an operator.
func (p *prober) probe(ctx context.Context, t sdk.Target, c Config) error {
	path := filepath.Clean(c.Command[0])
	who, err := p.become(c.User)
	if err != nil {
		return err
	}
	if p.root {
		if err := p.trust(path); err != nil {
			return err
		}
	}
	external, err := arguments(t, c)
	if err != nil {
		return err
	}
	r := run{
		command: slices.Concat([]string{path}, c.Command[1:], external),
		who:     who,
		env:     environment(t),
	}
	end, err := r.do(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("run %s: %w", path, err)
	case ctx.Err() == context.DeadlineExceeded:
		return fmt.Errorf("%w: %s%s", &sdk.TimeoutError{Target: t}, filepath.Base(path), end.said())
	case ctx.Err() != nil:
		return ctx.Err()
	case end.status.Signaled():
		return fmt.Errorf("ended by a signal, %s%s", end.status.Signal(), end.said())
	}
	switch status := end.status.ExitStatus(); {
	case status == 0:
		return nil
	case status == 1, !c.Dynamic:
		return fmt.Errorf("exit status %d%s", status, end.said())
	default: // as keepalived's misc_dynamic, whose weight is the status without 2: a weight of 0 must be sayable
		sdk.SetWeight(ctx, status-2, fmt.Sprintf("exit status %d%s", status, end.said()))
		return nil
	}
}

// arguments are those of ldirectord's external checks: the virtual server's address and port, and the real server's.
func arguments(t sdk.Target, c Config) ([]string, error) {
	list, _ := virtual(c.External) // Validate has refused what is none
	if list == nil {
		return nil, nil
	}
	if !t.Address.IsValid() {
		return nil, errors.New("external tells a program of a real server, and there is none")
	}
	port := "-"
	if t.Port != 0 {
		port = strconv.Itoa(int(t.Port))
	}
	return append(list, t.Address.String(), port), nil
}

// environment is all that the program gets: where to look, and a PATH.
func environment(t sdk.Target) []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if t.Address.IsValid() {
		env = append(env, "EVENKEEL_ADDRESS="+t.Address.String())
	}
	if t.Port != 0 {
		env = append(env, "EVENKEEL_PORT="+strconv.Itoa(int(t.Port)))
	}
	return env
}

// become returns the credentials of a user with all groups; nil: this process's own.
//
// Who is not root can't become anybody. The default, nobody, is a way to have no privileges, and is taken for that then.
func (p *prober) become(name string) (*syscall.Credential, error) {
	if !p.root && name == "nobody" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %s", name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	if !p.root {
		if int(uid) == os.Geteuid() {
			return nil, nil
		}
		return nil, fmt.Errorf("only root can become user %s", name)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("groups of user %s: %w", name, err)
	}
	groups := make([]uint32, 0, len(ids))
	for _, id := range ids {
		if g, err := strconv.ParseUint(id, 10, 32); err == nil {
			groups = append(groups, uint32(g))
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}, nil
}
