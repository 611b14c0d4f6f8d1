// Package support packs what a person who helps from elsewhere needs to know: the configuration without its secrets, the status,
// the events and the kernel's log, in one .tar.gz.
package support

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// A Bundle is what goes into the archive. What can't be had is left out, and the file problems.txt says why.
type Bundle struct {
	Version       string
	Configuration map[string][]byte // files by name
	Control       controlv1.ControlServiceClient
	KernelLog     func() ([]byte, error) // nil: the kernel's
	Now           func() time.Time       // nil: the clock

	more []part
}

// A part is a file of the bundle, and how it is had.
type part struct {
	name string
	get  func() ([]byte, error)
}

// Add adds a file of a helper's interest.
func (b *Bundle) Add(name string, get func() ([]byte, error)) {
	b.more = append(b.more, part{name, get})
}

// mostFile is how much of a file there is, in bytes: its end.
const mostFile = 2 << 20

// AddFile adds the end of a file. One that is not there is left out.
func (b *Bundle) AddFile(name, path string) {
	b.Add(name, func() ([]byte, error) {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-mostFile), mostFile))
	})
}

// Write packs it. The error is that of w; a box that is half broken has a bundle, too.
func (b Bundle) Write(ctx context.Context, w io.Writer) error {
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	at := now().UTC()
	files := map[string][]byte{"version.txt": fmt.Appendf(nil, "evenkeel %s\n%s\n", b.Version, at.Format(time.RFC3339))}
	var problems []byte
	add := func(name string, get func() ([]byte, error)) {
		text, err := get()
		if err != nil {
			problems = fmt.Appendf(problems, "%s: %v\n", name, err)
		}
		if len(text) > 0 {
			files[name] = text
		}
	}
	for name, text := range b.Configuration {
		files["configuration/"+name] = WithoutSecrets(name, text)
	}
	add("status.json", func() ([]byte, error) { return b.status(ctx) })
	add("events.jsonl", func() ([]byte, error) { return b.events(ctx) })
	log := kernelLog
	if b.KernelLog != nil {
		log = b.KernelLog
	}
	add("kernel.log", log)
	for _, p := range b.more {
		add(p.name, p.get)
	}
	if problems != nil {
		files["problems.txt"] = problems
	}
	return pack(w, files, at)
}

var errNotRunning = errors.New("no evenkeel runs")

func (b Bundle) status(ctx context.Context) ([]byte, error) {
	if b.Control == nil {
		return nil, errNotRunning
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	st, err := b.Control.Status(ctx, &controlv1.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return protojson.MarshalOptions{Multiline: true, EmitUnpopulated: true, UseProtoNames: true}.Marshal(st)
}

// events are the last ones, a line each, as far as they could be read.
func (b Bundle) events(ctx context.Context) (lines []byte, err error) {
	if b.Control == nil {
		return nil, errNotRunning
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	stream, err := b.Control.Events(ctx, &controlv1.EventsRequest{})
	if err != nil {
		return nil, err
	}
	for {
		e, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		line, err := protojson.Marshal(e)
		if err != nil {
			return lines, err
		}
		lines = append(append(lines, line...), '\n')
	}
}

// kernelLog reads the kernel's ring buffer (syslog(2), SYSLOG_ACTION_READ_ALL and _SIZE_BUFFER).
func kernelLog() ([]byte, error) {
	size, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil)
	if err != nil {
		return nil, err
	}
	text := make([]byte, size)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, text)
	if err != nil {
		return nil, err
	}
	return text[:n], nil
}

func pack(w io.Writer, files map[string][]byte, at time.Time) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	var err error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err == nil {
			err = t.WriteHeader(&tar.Header{Name: "evenkeel-support/" + name, Mode: 0o600, Size: int64(len(files[name])), ModTime: at})
		}
		if err == nil {
			_, err = t.Write(files[name])
		}
	}
	if err := errors.Join(err, t.Close(), z.Close()); err != nil {
		return fmt.Errorf("packing the support bundle: %w", err)
	}
	return nil
}
