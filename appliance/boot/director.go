package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/appliance/process"
)

// configDir leads to the configuration in use (package archive), a folder; /etc/evenkeel is a link to it, as /var/lib/evenkeel is
// one to where evenkeel keeps its state.
const configDir = DataDir + "/config/current"

var (
	evenkeelStatus  = []string{"/sbin/evenkeel", "status"}
	evenkeelRun     = []string{"/sbin/evenkeel", "run", "--config", "/etc/evenkeel"}
	evenkeelAcquire = []string{"/sbin/evenkeel", "config", "acquire"}
)

// A director is what keeps evenkeel running. A crash of it takes no address and no service away: the kernel keeps its
// table, the vrrp plugin goes on for a minute, and the next evenkeel takes both over.
type director struct {
	service  *process.Service
	answered atomic.Int64 // when evenkeel said its status last, in Unix seconds; 0: never
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

// How often evenkeel is asked for its status, how long it may take to answer, and after how long without an answer
// it hangs. It is asked as an operator asks, through the control socket, and its loop has to answer.
const (
	askEvery   = 10 * time.Second
	answerTime = 10 * time.Second
	hangTime   = time.Minute
)

// ask asks evenkeel for its status again and again.
func (s *system) ask(ctx context.Context) {
	for {
		if s.service.PID() != 0 && s.answers() {
			s.answered.Store(time.Now().Unix())
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (s *system) answers() bool {
	p, err := s.table.Start(process.Command{Argv: evenkeelStatus, Env: environment})
	if err != nil {
		return false
	}
	select {
	case status := <-p.Status:
		return process.Exit(status) == 0
	case <-time.After(answerTime):
		_ = syscall.Kill(p.PID, syscall.SIGKILL)
		<-p.Status
		return false
	}
}

// well says why the slot is not well, or nil: it is when evenkeel answers, or has nothing to run. Whether real servers
// are up or a peer is there is no matter of the slot.
func (s *system) well() error {
	if !s.configured() {
		return nil
	}
	if since := time.Since(time.Unix(s.answered.Load(), 0)); since > 2*askEvery+answerTime {
		return errors.New("evenkeel does not answer")
	}
	return nil
}

// hangs says whether evenkeel runs and does not answer any more, which a restart of the machine may mend. One that has
// ended is started again, which needs none.
func (s *system) hangs() error {
	started := s.service.Started()
	if s.service.PID() == 0 || time.Since(started) < hangTime {
		return nil
	}
	if since := time.Since(time.Unix(s.answered.Load(), 0)); since > hangTime {
		return fmt.Errorf("evenkeel runs and has not answered for %v", hangTime)
	}
	return nil
}
