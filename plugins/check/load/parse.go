package load

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// mostProcessors is how many a server may say that it has.
const mostProcessors = 1 << 16

// parseProc reads what /proc/loadavg (proc_loadavg(5)) and nproc(1) say: "0.20 0.18 0.12 1/80 11206", and "4".
func parseProc(text string, minutes int) (m measure, err error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 {
		return m, fmt.Errorf("not what /proc/loadavg and nproc say: %q", beginning(text))
	}
	fields := strings.Fields(lines[0])
	if len(fields) != 5 {
		return m, fmt.Errorf("not what /proc/loadavg says: %q", beginning(lines[0]))
	}
	if m.load, err = parseLoad(fields[column(minutes)]); err != nil {
		return m, fmt.Errorf("not what /proc/loadavg says: %q", beginning(lines[0]))
	}
	last := strings.TrimSpace(lines[len(lines)-1])
	if m.processors, err = strconv.Atoi(last); err != nil || m.processors < 1 || m.processors > mostProcessors {
		return m, fmt.Errorf("not what nproc says: %q", beginning(last))
	}
	return m, nil
}

// column is which of the three averages it is.
func column(minutes int) int {
	switch minutes {
	case 5:
		return 1
	case 15:
		return 2
	}
	return 0
}

// parseLoad reads a load average.
func parseLoad(s string) (float64, error) {
	l, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(l) || math.IsInf(l, 0) || l < 0 {
		return 0, errors.New("not a load average")
	}
	return l, nil
}

// beginning is enough of a text to know it by.
func beginning(s string) string { return s[:min(len(s), 60)] }
