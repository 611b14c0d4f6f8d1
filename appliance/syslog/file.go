package syslog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A File keeps the log on the data partition, in two files that take turns: "log", and "log.1" with what was before. It never
// takes more than twice its bound. It is not synchronized: what a power cut loses is on the servers.
type File struct {
	Dir  string
	Most int64 // bytes of one file

	f    *os.File
	size int64
}

// Add writes a message. A disk that is full, or was taken away, is an error, and the next message is tried again.
func (l *File) Add(m Message) error {
	line := m.String() + "\n"
	if l.f != nil && l.size+int64(len(line)) > l.Most {
		if err := l.turn(); err != nil {
			return err
		}
	}
	if l.f == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	n, err := l.f.WriteString(line)
	l.size += int64(n)
	if err != nil {
		return errors.Join(fmt.Errorf("keeping the log: %w", err), l.Close())
	}
	return nil
}

func (l *File) path() string { return filepath.Join(l.Dir, "log") }

func (l *File) open() error {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return fmt.Errorf("keeping the log: %w", err)
	}
	f, err := os.OpenFile(l.path(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keeping the log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("keeping the log: %w", err), f.Close())
	}
	l.f, l.size = f, info.Size()
	if l.size >= l.Most {
		return l.turn()
	}
	return nil
}

func (l *File) turn() error {
	err := l.Close()
	if err == nil {
		err = os.Rename(l.path(), l.path()+".1")
	}
	if err != nil {
		return fmt.Errorf("keeping the log: %w", err)
	}
	return l.open()
}

// Close closes it; Add opens it again.
func (l *File) Close() error {
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
