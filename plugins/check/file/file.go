// Package file is check "file": a file on the director says what state a real server is in and what part of its weight it
// should get.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/feedback"
)

// Plugin is check "file".
func Plugin() sdk.Plugin {
	return sdk.NewProber(sdk.Info{
		Name: "file", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Does what a file says: up, down, drain, or a weight.", Weighs: true},
	}, func(h sdk.Host) (sdk.Prober[Config], error) { return newProber(h), nil })
}

// A prober reads files, and has them read again when they change.
type prober struct{ watch *watch }

func newProber(h sdk.Host) *prober { return &prober{newWatch(h.Logger)} }

// Probe reads the file once. It is watched from before that on, so that no change is missed.
func (p *prober) Probe(ctx context.Context, t sdk.Target, c Config) error {
	path := filepath.Clean(c.Path)
	p.watch.follow(path, t, sdk.Hasten(ctx))
	line, err := settled(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Missing == "up":
		return nil
	case err != nil:
		return err
	}
	return feedback.Probe(ctx, "file "+path, line)
}

// Close ends the watch.
func (p *prober) Close() error { return p.watch.close() }

// settled reads a file that may just be being written: a shell empties it first. One that has nothing in it is given a moment.
func settled(ctx context.Context, path string) (string, error) {
	const moment, times = 20 * time.Millisecond, 10
	for range times {
		line, err := read(path)
		if !errors.Is(err, errEmpty) || !young(path) {
			return line, err
		}
		select {
		case <-time.After(moment):
		case <-ctx.Done():
			return "", err
		}
	}
	return read(path)
}

// young says whether a file was written to within the last second.
func young(path string) bool {
	info, err := os.Stat(path)
	return err == nil && time.Since(info.ModTime()).Abs() < time.Second
}

var errEmpty = errors.New("there is nothing in it")

// longest is how much of a file is read, in bytes.
const longest = 4096

// read returns the first line of a file that is neither empty nor a comment. A line that is a number is one of percent.
func read(path string) (string, error) {
	b, err := content(path)
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			err = errno
		}
		return "", fmt.Errorf("file %s: %w", path, err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.Trim(line, "0123456789") == "" {
			line += "%"
		}
		return line, nil
	}
	return "", fmt.Errorf("file %s: %w", path, errEmpty)
}

// content reads the beginning of a file. A pipe or a device could block, or never end.
func content(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	return io.ReadAll(io.LimitReader(f, longest))
}
