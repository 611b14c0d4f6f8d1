package sdk

import (
	"bytes"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// A descriptor writes to a file descriptor, and waits only if that waits: an os.File of one that does not would wait in its
// stead, until somebody reads.
type descriptor int

// Write writes what there is room for.
func (d descriptor) Write(b []byte) (n int, err error) {
	for {
		if n, err = unix.Write(int(d), b); err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// backlogMost is how many lines a backlog keeps.
const backlogMost = 500

// A backlog is a writer of lines that keeps those which could not be written, because the core that reads the other end is
// gone or hangs, for the session with the next one. Of too many it keeps the last.
type backlog struct {
	to io.Writer // nil: all is kept

	mu    sync.Mutex
	lines [][]byte
}

// Write writes one line. It never fails: the log is the last thing that should stop a plugin.
func (b *backlog) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.to != nil {
		if n, err := b.to.Write(line); err == nil || n > 0 {
			return len(line), nil
		}
	}
	if len(b.lines) == backlogMost {
		b.lines = b.lines[1:]
	}
	b.lines = append(b.lines, bytes.Clone(line))
	return len(line), nil
}

// take returns the lines that were kept, and forgets them.
func (b *backlog) take() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := b.lines
	b.lines = nil
	return lines
}
