package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/pair"
)

// A spending is what all processes of a daemon have used.
type spending struct {
	cpu time.Duration
	pss uint64 // bytes
}

// cost adds up the processes of a router.
func cost(r *pair.Router) (s spending, err error) {
	pids, err := r.Pids()
	if err != nil {
		return s, err
	}
	return costOf(pids)
}

// costOf adds up processes.
func costOf(pids []int) (s spending, err error) {
	for _, p := range pids {
		cpu, err := processorTime(p)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return s, err
		}
		pss, err := proportional(p)
		if err != nil {
			return s, err
		}
		s.cpu += cpu
		s.pss += pss
	}
	return s, nil
}

// firstOf returns the process that has started all others, or those that have: the one whose parent is none of them.
func firstOf(pids []int) (int, error) {
	for _, pid := range pids {
		f, err := stat(pid)
		if err != nil {
			return 0, err
		}
		parent, err := strconv.Atoi(string(f[1]))
		if err != nil {
			return 0, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
		}
		if !slices.Contains(pids, parent) {
			return pid, nil
		}
	}
	return 0, errors.New("there are no processes")
}

// stat reads proc_pid_stat(5), from the third field on.
func stat(pid int) ([][]byte, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 13 {
		return nil, fmt.Errorf("reading /proc/%d/stat: %q", pid, b)
	}
	return f, nil
}

// processorTime reads utime and stime of proc_pid_stat(5), in hundredths of a second.
func processorTime(pid int) (time.Duration, error) {
	f, err := stat(pid)
	if err != nil {
		return 0, err
	}
	var ticks int
	for _, t := range f[11:13] {
		n, err := strconv.Atoi(string(t))
		if err != nil {
			return 0, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// proportional reads Pss of /proc/PID/smaps_rollup, in bytes.
func proportional(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			n, err := strconv.ParseUint(string(bytes.Fields(rest)[0]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("reading /proc/%d/smaps_rollup: no Pss", pid)
}
