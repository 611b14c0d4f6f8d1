package boot

import (
	"context"
	"os"
	"time"

	"github.com/evenkeel/evenkeel/appliance/process"
)

// configDir leads to the configuration in use (package archive), a folder; /etc/evenkeel is a link to it, as /var/lib/evenkeel is
// one to where evenkeel keeps its state.
const configDir = DataDir + "/config/current"

const evenkeel = "/sbin/evenkeel"

// A program is one of the box that is kept running.
type program struct {
	name  string
	args  []string    // of evenkeel
	ready func() bool // when it is started first; nil: at once
	nice  int         // how much it leaves the processor to the director
}

// Names of programs, which begin their lines in the log.
const (
	directorName = "evenkeel"
	boxName      = "box"
)

// programs are those that run all the time, beside the consoles. A crash of the director takes no address and no service
// away: the kernel keeps its table, the vrrp plugin goes on for a minute, and the next director takes both over.
var programs = []program{
	{name: directorName, args: []string{"run", "--config", "/etc/evenkeel"}, ready: configured},
	{name: boxName, args: []string{"box"}},
	{name: "ssh", args: []string{"ssh"}, nice: nice},
}

func configured() bool {
	_, err := os.Stat(configDir)
	return err == nil
}

// service returns the service of a program.
func (s *system) service(p program) *process.Service {
	return &process.Service{
		Table: s.table, Name: p.name, Log: s.log.Notice, Grace: 25 * time.Second,
		Command: process.Command{
			Argv: append([]string{evenkeel}, p.args...), Env: environment("linux"), Output: &Log{W: s.log.W, Name: p.name}, Nice: p.nice,
		},
	}
}

// keep runs a service from the moment that it is ready until ctx ends.
func keep(ctx context.Context, ready func() bool, service *process.Service) {
	for ready != nil && !ready() {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
	service.Run(ctx)
}

// environment is what every program is started with, for a kind of terminal (terminfo(5)).
func environment(terminal string) []string {
	return []string{"PATH=" + Path, "HOME=" + DataDir + "/root", "TERM=" + terminal}
}
