package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// count returns how many processes are as the configuration says. Those that end meanwhile do not count, and neither do
// those that have ended and were not waited for (zombies).
func (p counter) count(ctx context.Context, c Config) (int, error) {
	var uid uint32
	if c.User != "" {
		var err error
		if uid, err = p.lookup(c.User); err != nil {
			return 0, err
		}
	}
	dir, err := os.Open(p.proc)
	if err != nil {
		return 0, fmt.Errorf("looking for processes: %w", err)
	}
	defer dir.Close()
	n := 0
	for {
		names, err := dir.Readdirnames(256)
		for _, pid := range names {
			if pid[0] < '1' || pid[0] > '9' {
				continue
			}
			if c.User != "" && !p.belongs(pid, uid) {
				continue
			}
			if p.is(pid, &c) {
				n++
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, fmt.Errorf("looking for processes: %w", err)
		case ctx.Err() != nil:
			return 0, ctx.Err()
		}
	}
}

// belongs says whether a process is a user's: proc(5) gives its folder to its effective user.
func (p counter) belongs(pid string, uid uint32) bool {
	var st syscall.Stat_t
	return syscall.Stat(filepath.Join(p.proc, pid), &st) == nil && st.Uid == uid
}

// is says whether a process is one of those that are counted.
func (p counter) is(pid string, c *Config) bool {
	stat, err := head(filepath.Join(p.proc, pid, "stat"), 512)
	if err != nil {
		return false // it has ended
	}
	comm, state, ok := parseStat(stat)
	if !ok || state == 'Z' || state == 'X' {
		return false
	}
	if c.command == nil && (!mayBe(comm, c.Name) || len(c.Name) <= commBytes) {
		return mayBe(comm, c.Name)
	}
	line, err := head(filepath.Join(p.proc, pid, "cmdline"), 128<<10)
	if err != nil {
		return false
	}
	if c.command != nil {
		return c.command.Match(commandLine(line))
	}
	return runs(line, c.Name)
}

// commBytes is how much of a name the kernel keeps (TASK_COMM_LEN).
const commBytes = 15

// mayBe says whether a process with that name in the kernel may be one of the program.
func mayBe(comm []byte, name string) bool { return string(comm) == name[:min(len(name), commBytes)] }

// runs says whether a command line is one of a program with a name that the kernel cuts: it is the first word, or, of a
// script, the second.
func runs(cmdline []byte, name string) bool {
	words := strings.SplitN(string(cmdline), "\x00", 3)
	for _, w := range words[:min(len(words), 2)] {
		if filepath.Base(w) == name {
			return true
		}
	}
	return false
}

// commandLine is a command line with blanks between its words, as ps shows it.
func commandLine(b []byte) []byte {
	return bytes.TrimRight(bytes.ReplaceAll(b, []byte{0}, []byte{' '}), " ")
}

// parseStat reads name and state of proc_pid_stat(5): "4711 (na)me) S 1 ...". A name may have anything in it.
func parseStat(b []byte) (comm []byte, state byte, ok bool) {
	first, last := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if first < 0 || last < first || last+2 >= len(b) {
		return nil, 0, false
	}
	return b[first+1 : last], b[last+2], true
}

// head reads the beginning of a file.
func head(name string, bytes int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, bytes))
}
