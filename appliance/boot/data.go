package boot

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/clock"
	"github.com/evenkeel/evenkeel/appliance/disk"
	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/process"
)

// DataDir is where a box keeps what must survive a restart: its configuration (config/), evenkeel's state (state/), crash
// records (crash/).
const DataDir = "/data"

var dataFolders = []string{"config", "state", "crash", "root"}

// data makes the disk this box's own, and mounts its data partition. A box that can't have one runs with a memory file
// system in its place: what it is told is then gone after a restart, and the error says so.
func (s *system) data() error {
	err := s.mountData()
	if err != nil {
		memory := unix.Mount("tmpfs", DataDir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=25%")
		err = errors.Join(fmt.Errorf("%w; nothing is kept across a restart", err), memory)
	}
	return err
}

// folders makes those of the data partition that must be there.
func folders() (err error) {
	for _, name := range dataFolders {
		err = errors.Join(err, os.MkdirAll(DataDir+"/"+name, 0o700))
	}
	return err
}

func (s *system) mountData() error {
	d, err := disk.Find("/sys", "/dev", s.start.Partition)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(d.Path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	span, what, err := disk.Own(f)
	if err != nil {
		return err
	}
	device, err := d.Partition(disk.Data)
	if err != nil {
		what = disk.Made // the kernel does not know it
	}
	if what != disk.None {
		if err := disk.Announce(f, disk.Data, span, what); err != nil {
			return err
		}
		if device, err = appear(d); err != nil {
			return err
		}
	}
	if err := s.fileSystem(device); err != nil {
		return err
	}
	if err := s.modules.Load("ext4"); err != nil {
		return err
	}
	err = unix.Mount(device, DataDir, "ext4", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOATIME, "errors=remount-ro")
	if err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	if what == disk.Grown {
		s.log.Notice("the disk has grown: the data partition has %d MiB now", span.Size>>20)
	}
	// At each start: the one at which the partition has grown may have ended too soon.
	if err := disk.GrowExt4(device, DataDir); err != nil {
		s.log.Error("%v", err)
	}
	return nil
}

// appear waits for the device of a partition that the kernel was just told of.
func appear(d disk.Disk) (device string, err error) {
	for range 200 {
		if device, err = d.Partition(disk.Data); err == nil {
			if _, err = os.Stat(device); err == nil {
				return device, nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", err
}

// fileSystem makes a file system on a data partition that has none, and mends one that was not unmounted.
func (s *system) fileSystem(device string) error {
	content, err := disk.Look(device)
	if err != nil {
		return err
	}
	if content == disk.Empty {
		s.log.Notice("making the data partition")
		return s.tool("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "evenkeel-data", "-m", "1", device)
	}
	mended, err := mend(content, func(option string) error { return s.tool("/sbin/e2fsck", option, device) })
	if mended {
		s.log.Notice("the data partition was damaged, and was mended: files may be missing, or be in %s/lost+found", DataDir)
		s.told = append(s.told, problem.Problem{What: "the data partition was damaged, and was mended: files may be missing", Then: mendedData})
	}
	if err != nil {
		return fmt.Errorf("%s is damaged, and can't be mended: %w", device, err)
	}
	return nil
}

// mend checks a file system, and mends what can be without losing anything. What can't is mended as well, and said: nobody is
// there to be asked, and a box with what is left does more than one with nothing. e2fsck(8) ends with 1 or 2 when it has mended
// all, and with 4 when it has left errors.
func mend(content disk.Content, check func(option string) error) (mended bool, err error) {
	ended := func(err error) exitStatus {
		var status exitStatus
		if err != nil && !errors.As(err, &status) {
			return -1
		}
		return status
	}
	const good = 3 // bits of what was mended
	if content == disk.Ext4 {
		err := check("-p")
		if status := ended(err); status >= 0 && status <= good {
			return false, nil
		} else if status < 0 {
			return false, err
		}
	}
	err = check("-y")
	if status := ended(err); status >= 0 && status <= good {
		return true, nil
	}
	return false, err
}

type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// tool runs a program to its end; what it says goes into the log.
func (s *system) tool(argv ...string) error {
	status, err := s.table.Run(process.Command{Argv: argv, Env: environment("linux"), Output: &Log{W: s.log.W, Name: argv[0]}})
	if err == nil && status != 0 {
		err = exitStatus(status)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", argv[0], err)
	}
	return nil
}

// acquire sees to it that there is a configuration, if there is one to be had. That there is none is no error: the console
// is where the box gets one.
func (s *system) acquire() error {
	_ = s.modules.Load("qemu_fw_cfg") // there is no file of it without the hardware
	err := s.tool(evenkeel, "config", "acquire")
	if !configured() {
		return nil
	}
	return err
}

// clockFile has the last time that was known here as its own.
const clockFile = DataDir + "/clock"

// clock sets the clock to the last time that was known, or the time the system was made, if it is behind: a box without
// a battery, or with one that is dead, would start in another century.
func (s *system) clock() error {
	made, err := os.Stat("/etc/os-release") // everything in a slot has the time of its making
	if err != nil {
		return err
	}
	saved, err := clock.Saved(clockFile)
	floor := clock.Floor(made.ModTime(), saved)
	if time.Now().Before(floor) {
		s.log.Notice("the clock says %s, which is past: set to %s", time.Now().UTC().Format(time.RFC3339), floor.UTC().Format(time.RFC3339))
		err = errors.Join(err, clock.Set(floor))
	}
	return err
}
