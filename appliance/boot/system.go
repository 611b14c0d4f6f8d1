package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/clock"
	"github.com/evenkeel/evenkeel/appliance/kmod"
	"github.com/evenkeel/evenkeel/appliance/process"
	"github.com/evenkeel/evenkeel/appliance/slot"
	"github.com/evenkeel/evenkeel/appliance/watchdog"
)

var environment = []string{"PATH=" + Path, "HOME=" + DataDir + "/root", "TERM=linux"}

// goodAfter is how long a slot has to run well to be good: GRUB then gives it all its tries again.
const goodAfter = time.Minute

// A system is PID 1 of the running box.
type system struct {
	log     *Log
	start   Start
	modules *kmod.Loader
	table   *process.Table
	dog     *watchdog.Dog // nil if there is none
	counter string        // the partition of GRUB's counter; "" if it was not found
	director
}

// System is PID 1 of the running box: it brings the box up, keeps evenkeel running, and ends with the machine off or
// starting again. The error is of what the box can't be without.
func System() error {
	s := &system{log: OpenLog("init"), table: process.NewTable()}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR2)
	// Ctrl-Alt-Del is a SIGINT, as from the console menu, and no reset.
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
	sequence := Sequence{Log: s.log}
	err := sequence.Run([]Step{
		{"read what the boot loader said", func() (err error) { s.start, err = start(); return err }, true},
		{"mount the kernel's file systems", func() error { return mountAll(late) }, false},
		{"load the drivers of the hardware", s.drivers, false},
		{"start the watchdog", s.watchdog, false},
		{"mount the data partition", s.data, false},
		{"set the clock", s.clock, false},
		{"keep records of crashes", s.crashes, false},
		{"start the loopback interface", loopback, false},
		{"get the configuration", s.acquire, false},
	})
	if err != nil {
		return err
	}
	s.service = &process.Service{
		Table: s.table, Log: s.log.Notice, Grace: 25 * time.Second,
		Command: process.Command{Argv: evenkeelRun, Env: environment, Output: &Log{W: s.log.W, Name: "evenkeel"}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.dog != nil {
		go s.dog.Keep(ctx, s.hangs, s.log.Error)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.direct(ctx)
	}()
	go s.ask(ctx)
	go s.remember(ctx)
	go s.becomeGood(ctx)
	s.banner(sequence.Problems)

	how := <-signals
	s.log.Notice("going down")
	cancel()
	<-ended
	s.end(how)
	return errors.New("the machine did not stop")
}

func (s *system) drivers() (err error) {
	if s.modules, err = Modules(); err != nil {
		return err
	}
	coldplug(s.modules, s.log)
	return nil
}

func (s *system) watchdog() (err error) {
	s.dog, err = openWatchdog(s.modules)
	return err
}

func (s *system) crashes() error {
	// Where the firmware keeps them if there is nothing better; there may be none.
	_ = s.modules.Load("efi_pstore")
	n, err := CollectCrashes("/sys/fs/pstore", DataDir+"/crash", time.Now())
	if n > 0 {
		s.log.Notice("the kernel has left %d records of a crash, see %s/crash", n, DataDir)
	}
	return err
}

// loopback is up before anything speaks to itself.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// remember saves the time now and then, so that the clock never steps back by more.
func (s *system) remember(ctx context.Context) {
	for {
		if err := clock.Save(clockFile, time.Now()); err != nil {
			s.log.Error("%v", err)
		}
		select {
		case <-time.After(10 * time.Minute):
		case <-ctx.Done():
			return
		}
	}
}

// becomeGood gives the slot its tries again when it has run well for a while.
func (s *system) becomeGood(ctx context.Context) {
	for since := time.Now(); time.Since(since) < goodAfter; {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
		if s.well() != nil {
			since = time.Now()
		}
	}
	if err := s.good(); err != nil {
		s.log.Error("slot %s runs well, but GRUB can't be told: %v", s.start.Slot, err)
		return
	}
	s.log.Notice("slot %s is good", s.start.Slot)
}

func (s *system) good() error {
	if s.counter == "" {
		return errors.New("the boot counter was not found")
	}
	c, err := slot.ReadCounter(s.counter)
	if err != nil {
		return err
	}
	c.Left[s.start.Slot] = slot.Tries
	return c.Write(s.counter)
}

// banner says on the consoles what this is.
func (s *system) banner(problems []error) {
	version := "unknown version"
	if text, err := os.ReadFile("/etc/os-release"); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if v, ok := strings.CutPrefix(line, "VERSION_ID="); ok {
				version = v
			}
		}
	}
	release, _ := Release() // it could be read before
	up := "unknown"
	if text, err := os.ReadFile("/proc/uptime"); err == nil {
		up, _, _ = strings.Cut(string(text), " ")
	}
	s.log.Notice("evenkeel %s, slot %s, kernel %s, up after %s s", version, s.start.Slot, release, up)
	if n := len(problems); n > 0 {
		s.log.Notice("%d things are wrong, said above", n)
	}
	if !s.configured() {
		s.log.Notice("there is no configuration")
	}
}

// end stops the machine. What still runs is told to end, then ended.
func (s *system) end(how os.Signal) {
	if err := clock.Save(clockFile, time.Now()); err != nil {
		s.log.Error("%v", err)
	}
	_ = unix.Kill(-1, unix.SIGTERM) // everybody but PID 1
	time.Sleep(500 * time.Millisecond)
	_ = unix.Kill(-1, unix.SIGKILL)
	unix.Sync()
	if err := unix.Unmount(DataDir, 0); err != nil {
		// Somebody holds a file yet: no longer being written to is as good.
		_ = unix.Mount("", DataDir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	unix.Sync()
	if how == syscall.SIGUSR2 {
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
		return
	}
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

// Modprobe is /sbin/modprobe, which the kernel calls as "modprobe -q -- NAME".
func Modprobe(args []string) error {
	l, err := Modules()
	if err != nil {
		return err
	}
	quiet := false
	for _, a := range args {
		switch {
		case a == "-q" || a == "--quiet":
			quiet = true
		case strings.HasPrefix(a, "-"): // there is nothing else that it could do differently
		default:
			if err := l.Load(a); err != nil && !(quiet && errors.Is(err, kmod.ErrNone)) {
				return err
			}
		}
	}
	return nil
}

// Stop is /sbin/reboot and /sbin/poweroff: it asks PID 1.
func Stop(name string) error {
	sig := syscall.SIGTERM
	if filepath.Base(name) == "poweroff" {
		sig = syscall.SIGUSR2
	}
	if err := syscall.Kill(1, sig); err != nil {
		return fmt.Errorf("ask init to stop the machine: %w", err)
	}
	return nil
}
