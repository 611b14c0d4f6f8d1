// Package stage has evenkeel run in a lab's director, and looks at it from outside: at the kernel's table with ipvsadm, at
// its status, at the answers that a client gets. Tests and the demonstration play on it.
package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// Where things are in a director.
const (
	Binary     = "/usr/sbin/evenkeel"
	ConfigFile = "/etc/evenkeel/evenkeel.hcl"
	State      = "/var/lib/evenkeel"
	Socket     = "/run/evenkeel/control.sock"
)

// Program returns what puts the evenkeel binary into a director.
func Program(binary string) lab.File { return lab.File{Path: Binary, Source: binary, Mode: 0o755} }

// A Stage is a director with evenkeel.
type Stage struct {
	Director *lab.VM
	Client   traffic.Client

	core *lab.Process
}

// New returns the stage of a lab's director i, from 0. A director that was booted again has another one.
func New(l *lab.Lab, i int) *Stage {
	// A machine on a busy host may stand still for a second; a request that is refused fails at once all the same.
	return &Stage{Director: l.Directors[i], Client: traffic.Client{Dial: l.Client.Dial, Timeout: 3 * time.Second}}
}

// Configure writes the configuration file.
func (s *Stage) Configure(ctx context.Context, hcl string) error {
	return s.Director.Put(ctx, ConfigFile, []byte(hcl))
}

// Start starts evenkeel run. It does not wait for anything.
func (s *Stage) Start(ctx context.Context, flags ...string) (err error) {
	argv := append([]string{Binary, "run", "--config", ConfigFile, "--state", State, "--socket", Socket}, flags...)
	s.core, err = s.Director.Start(ctx, nil, argv...)
	return err
}

// Core is the process that Start started.
func (s *Stage) Core() *lab.Process { return s.core }

// Crash kills the core with SIGKILL, and only it.
func (s *Stage) Crash(ctx context.Context) error {
	if err := s.core.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_, err := s.core.Wait(ctx)
	return err
}

// Evenkeel runs a command of evenkeel and returns what it printed and its exit code.
func (s *Stage) Evenkeel(ctx context.Context, args ...string) (output string, exit int, err error) {
	p, err := s.Director.Start(ctx, nil, append([]string{Binary, "--socket", Socket}, args...)...)
	if err != nil {
		return "", -1, err
	}
	exit, err = p.Wait(ctx)
	return p.Output(), exit, err
}

// A Status is the part of "evenkeel status --json" that is looked at here.
type Status struct {
	Configuration struct {
		Problem string `json:"problem"`
	} `json:"configuration"`
	VirtualServers []struct {
		Name        string `json:"name"`
		HasQuorum   bool   `json:"has_quorum"`
		Sorry       string `json:"sorry"`
		RealServers []struct {
			Address string `json:"address"`
			State   string `json:"state"`
			InTable bool   `json:"in_table"`
		} `json:"real_servers"`
	} `json:"virtual_servers"`
	Balancer struct {
		Writes  uint64 `json:"writes,string"`
		Problem string `json:"problem"`
	} `json:"balancer"`
}

// Status asks for the status.
func (s *Stage) Status(ctx context.Context) (Status, error) {
	var st Status
	out, exit, err := s.Evenkeel(ctx, "status", "--json")
	if err != nil {
		return st, err
	}
	if exit != 0 {
		return st, fmt.Errorf("evenkeel status: exit %d: %s", exit, strings.TrimSpace(out))
	}
	if err := json.Unmarshal([]byte(out), &st); err != nil {
		return st, fmt.Errorf("read evenkeel's status: %w", err)
	}
	return st, nil
}

// State returns what the status says of a real server, "" if nothing.
func (s Status) State(address string) string {
	for _, vs := range s.VirtualServers {
		for _, rs := range vs.RealServers {
			if rs.Address == address {
				return rs.State
			}
		}
	}
	return ""
}

// lookAgain is the pause between two looks: each costs a small machine's only CPU several milliseconds.
const lookAgain = 50 * time.Millisecond

// Until asks again and again until ok says yes, and returns how long that took. After timeout it is an error that says what was
// wrong last, with the core's log.
func (s *Stage) Until(ctx context.Context, timeout time.Duration, ok func() error) (time.Duration, error) {
	began := time.Now()
	for {
		err := ok()
		if err == nil {
			return time.Since(began), nil
		}
		if time.Since(began) > timeout || ctx.Err() != nil {
			return time.Since(began), fmt.Errorf("after %.1f s: %w%s", time.Since(began).Seconds(), err, s.log())
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookAgain):
		}
	}
}

// log is the end of what evenkeel has written.
func (s *Stage) log() string {
	if s.core == nil {
		return ""
	}
	log := s.core.Output()
	if over := len(log) - 4000; over > 0 {
		log = "..." + log[over:]
	}
	return "\nevenkeel's log:\n" + log
}
