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

var (
	evenkeelRun     = []string{"/sbin/evenkeel", "run", "--config", "/etc/evenkeel"}
	evenkeelAcquire = []string{"/sbin/evenkeel", "config", "acquire"}
)

// A director is what keeps evenkeel running. A crash of it takes no address and no service away: the kernel keeps its
// table, the vrrp plugin goes on for a minute, and the next evenkeel takes both over.
type director struct {
	service *process.Service
}

func (s *system) configured() bool {
	_, err := os.Stat(configDir)
	return err == nil
}

// acquire sees to it that there is a configuration, if there is one to be had. That there is none is no error: the console
// is where the box gets one.
func (s *system) acquire() error {
	_ = s.modules.Load("qemu_fw_cfg") // there is no file of it without the hardware
	err := s.tool(evenkeelAcquire...)
	if !s.configured() {
		return nil
	}
	return err
}

// direct keeps evenkeel running from the moment that there is a configuration.
func (s *system) direct(ctx context.Context) {
	for !s.configured() {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
	s.service.Run(ctx)
}

// well says why the box is not well, or nil.
func (s *system) well() error { return nil }
