package gauge

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"time"
)

// calmSpan is the time over which it is looked how much the machine has to do.
const calmSpan = 3 * time.Second

// calm waits until the machine's processors are idle for half of a span, and returns how long that took.
func calm(ctx context.Context, proc fs.FS) (float64, error) {
	var idle, all uint64
	return until(ctx, time.Now(), calmSpan, func() (bool, error) {
		wasIdle, was := idle, all
		var err error
		if idle, all, err = processorTimes(proc); err != nil {
			return false, err
		}
		return was > 0 && all > was && 2*(idle-wasIdle) >= all-was, nil
	})
}

// processorTimes reads how long the processors were idle since the machine's start, and how long there were processors, in
// ticks: the first line of /proc/stat (proc_stat(5)).
func processorTimes(proc fs.FS) (idle, all uint64, err error) {
	b, err := fs.ReadFile(proc, "stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	var ticks [8]uint64 // user, nice, system, idle, iowait, irq, softirq, steal
	if _, err := fmt.Sscanf(string(line), "cpu %d %d %d %d %d %d %d %d",
		&ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]); err != nil {
		return 0, 0, fmt.Errorf("read /proc/stat: %q: %w", line, err)
	}
	for _, t := range ticks {
		all += t
	}
	return ticks[3] + ticks[4], all, nil
}
