package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/clock"
	"github.com/evenkeel/evenkeel/appliance/heartbeat"
	"github.com/evenkeel/evenkeel/appliance/kmod"
	"github.com/evenkeel/evenkeel/appliance/power"
	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/process"
	"github.com/evenkeel/evenkeel/appliance/watchdog"
)

// firstName is what the box is called until its configuration, or a DHCP server, gives it a name.
const firstName = "evenkeel"

// A system is PID 1 of the running box.
type system struct {
	log     *Log
	start   Start
	modules *kmod.Loader
	table   *process.Table
	dog     *watchdog.Dog // nil if there is none
	judge   judge
	told    []problem.Problem // what the console tells, beside steps that have failed
}

// System is PID 1 of the running box: it brings the box up, keeps evenkeel running, and ends with the machine off or
// starting again. The error is of what the box can't be without.
func System() error {
	s := &system{log: OpenLog("init"), table: process.NewTable()}
	s.judge.beat.File = heartbeat.DefaultFile
	s.judge.begin("the start of the box", startTime)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR2)
	// Ctrl-Alt-Del is a SIGINT, as from the console menu, and no reset.
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
	sequence := Sequence{Log: s.log}
	err := sequence.Run([]Step{
		{Name: "read what the boot loader said", Run: func() (err error) { s.start, err = start(); return err }, Needed: true},
		{Name: "mount the kernel's file systems", Run: func() error { return mountAll(late) }},
		{Name: "name the machine", Run: func() error { return unix.Sethostname([]byte(firstName)) }},
		{Name: "load the drivers of the hardware", Run: s.drivers},
		{Name: "start the watchdog", Run: s.watchdog, Then: noWatchdog},
		{Name: "mount the data partition", Run: s.data, Then: noData},
		{Name: "set the clock", Run: s.clock},
		{Name: "start the loopback interface", Run: loopback},
		// It forgets everything if it was told to, so nothing may have been written to the data partition before.
		{Name: "get the configuration", Run: s.acquire, Then: noConfiguration},
		{Name: "make the folders of the data partition", Run: folders, Then: noData},
		{Name: "keep records of crashes", Run: s.crashes},
	})
	if err != nil {
		return err
	}
	wrong := append(sequence.Problems, s.told...)
	if err := problem.Tell(problem.DefaultDir, "init", wrong); err != nil {
		s.log.Error("%v", err)
	}
	s.banner(len(wrong))
	s.quiet()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var running sync.WaitGroup
	var makers []func() time.Duration
	for _, p := range programs {
		service := s.service(p)
		if p.name == directorName || p.name == boxName {
			makers = append(makers, service.Runs)
		}
		running.Go(func() { keep(ctx, p.ready, service) })
	}
	for _, name := range consoles("/sys") {
		running.Go(func() { s.console(name).Run(ctx) })
	}
	s.judge.watch(makers...)
	go s.remember(ctx)
	button := &power.Watch{Sys: "/sys", Dev: "/dev", Pressed: func() {
		s.log.Notice("the power button was pressed")
		_ = syscall.Kill(os.Getpid(), syscall.SIGUSR2)
	}}
	go button.Run(ctx)
	go s.trial(ctx)

	how := <-signals
	s.judge.begin("the way down", endTime)
	printLevel(printWarnings)
	s.log.Notice("going down")
	cancel()
	running.Wait()
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

// watchdog starts the watchdog, and feeds it from now on until the machine stops.
func (s *system) watchdog() (err error) {
	s.dog, err = openWatchdog(s.modules)
	if err == nil {
		go s.dog.Keep(context.Background(), s.judge.look, s.log.Error)
	}
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

// banner says on the consoles what this is.
func (s *system) banner(problems int) {
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
	if problems > 0 {
		s.log.Notice("things are wrong, said above: %d", problems)
	}
	if !configured() {
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
