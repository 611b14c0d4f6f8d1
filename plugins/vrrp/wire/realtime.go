package wire

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Grant is what the system let a process with deadlines have.
type Grant struct {
	MemoryLocked bool // no page that was used once is fetched from a disk again
	RoundRobin   bool // its threads run before all ordinary ones (SCHED_RR)
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

// RealTime locks the calling goroutine to its thread for good, the process into memory, and has all threads of the process
// scheduled before all ordinary ones: the calling one with a priority of 2 to 99, the others with one less. It takes what
// it can get: the error says in words what it could not, and is no reason to stop. Call it in the loop's goroutine, before
// its first deadline, with CAP_SYS_NICE and CAP_IPC_LOCK (or the limits RLIMIT_RTPRIO and RLIMIT_MEMLOCK).
//
// It takes all threads, because the one with the deadlines waits for the others: to stop them for the garbage collector, or
// to run Go code again after a system call. When other processes keep the processors busy, an ordinary thread that is in
// the middle of that does not run for long. Measured with deadlines 10 ms apart for 10 s, three times each, on two busy
// processors: the latest was 11 to 54 ms late with one real-time thread, and 3.5 to 6 ms with all. For the same reason Go
// may run more threads than there are processors: a loop that wakes while the others are at work must not wait for one of
// them to finish. The garbage collector is left as it is. Processes that are started from here inherit the scheduling.
func RealTime(priority int) (Grant, error) {
	const spare = 4
	runtime.LockOSThread()
	runtime.GOMAXPROCS(runtime.NumCPU() + spare)
	errMemory := lockMemory()
	errThreads := roundRobin(priority)
	return Grant{MemoryLocked: errMemory == nil, RoundRobin: errThreads == nil}, errors.Join(errMemory, errThreads, noTimeLimit())
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

// roundRobin schedules the process's threads. A thread inherits from the one that starts it, so that when a look at all of
// them finds none that is ordinary, none will be.
func roundRobin(priority int) error {
	self := unix.Gettid()
	for ordinary := true; ordinary; {
		ordinary = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("schedule the threads in real time: %w", err)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return fmt.Errorf("schedule the threads in real time: %w", err)
			}
			p := priority - 1
			if id == self {
				p = priority
			}
			changed, err := schedule(id, uint32(p))
			if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return fmt.Errorf("schedule the threads in real time at priority %d: %w", p, err)
			}
			ordinary = ordinary || changed
		}
	}
	return nil
}

// schedule schedules one thread, and says whether it was scheduled otherwise before.
func schedule(thread int, priority uint32) (changed bool, err error) {
	const policyRoundRobin = 2 // SCHED_RR of linux/sched.h
	before, err := unix.SchedGetAttr(thread, 0)
	if err != nil {
		return false, err
	}
	if before.Policy == policyRoundRobin && before.Priority == priority {
		return false, nil
	}
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policyRoundRobin, Priority: priority}
	return true, unix.SchedSetAttr(thread, &attr, 0)
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
