package wire

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A Grant is what the system let a process with deadlines have.
type Grant struct {
	MemoryLocked bool // no page that was used once is fetched from a disk again
	RoundRobin   bool // the thread runs before all ordinary ones (SCHED_RR)
}

// String is the grant in words.
func (g Grant) String() string {
	var has []string
	if g.MemoryLocked {
		has = append(has, "memory is locked")
	}
	if g.RoundRobin {
		has = append(has, "scheduled in real time")
	}
	if len(has) == 0 {
		return "nothing"
	}
	return strings.Join(has, ", ")
}

// RealTime locks the calling goroutine to its thread for good, the process into memory, and has the thread scheduled
// before all ordinary ones, with a priority of 1 to 99. It takes what it can get: the error says in words what it could
// not, and is no reason to stop. Call it in the loop's goroutine, before its first deadline, with CAP_SYS_NICE and
// CAP_IPC_LOCK (or the limits RLIMIT_RTPRIO and RLIMIT_MEMLOCK).
func RealTime(priority int) (Grant, error) {
	runtime.LockOSThread()
	errMemory := lockMemory()
	errThread := roundRobin(priority)
	return Grant{MemoryLocked: errMemory == nil, RoundRobin: errThread == nil}, errors.Join(errMemory, errThread, noTimeLimit())
}

// lockMemory locks what is there now, and what comes as it is first used: Go reserves far more than it uses. With a finite limit
// and no privilege the kernel would later refuse Go memory, and end the process, so that then nothing is locked.
func lockMemory() error {
	if err := raise(unix.RLIMIT_MEMLOCK); err != nil && !privileged(unix.CAP_IPC_LOCK) {
		return fmt.Errorf("lock memory: no CAP_IPC_LOCK, and RLIMIT_MEMLOCK %w", err)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("lock memory: %w", err)
	}
	return nil
}

// roundRobin schedules the calling thread. What it starts, threads and processes, is ordinary again.
func roundRobin(priority int) error {
	const policyRoundRobin, resetOnFork = 2, 1 // SCHED_RR and SCHED_FLAG_RESET_ON_FORK of linux/sched.h
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policyRoundRobin, Flags: resetOnFork, Priority: uint32(priority)}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("schedule the thread in real time at priority %d: %w", priority, err)
	}
	return nil
}

// noTimeLimit lifts RLIMIT_RTTIME, under which the kernel ends a process whose real-time thread runs for so long without waiting.
// kernel.sched_rt_runtime_us keeps such a thread from taking the whole processor.
func noTimeLimit() error {
	if err := raise(unix.RLIMIT_RTTIME); err != nil {
		return fmt.Errorf("run in real time for long: RLIMIT_RTTIME (in microseconds) %w", err)
	}
	return nil
}

// raise raises a limit as far as it goes. The error says where that is, when it is not infinity.
func raise(resource int) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(resource, &l); err != nil {
		return fmt.Errorf("is unknown: %w", err)
	}
	if l.Cur == math.MaxUint64 {
		return nil
	}
	infinite := unix.Rlimit{Cur: math.MaxUint64, Max: math.MaxUint64}
	if unix.Setrlimit(resource, &infinite) == nil { // takes CAP_SYS_RESOURCE
		return nil
	}
	l.Cur = l.Max
	if err := unix.Setrlimit(resource, &l); err != nil {
		return fmt.Errorf("cannot be raised to %d: %w", l.Max, err)
	}
	if l.Max != math.MaxUint64 {
		return fmt.Errorf("is at most %d", l.Max)
	}
	return nil
}

// privileged says whether the calling thread has a capability.
func privileged(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}
