package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/archive"
)

func newConfigExport(a *archive.Archive) *cobra.Command {
	return &cobra.Command{
		Use: "export FILE [VERSION]", Short: "Write a version into a .tar.gz file; - is the standard output, stick:NAME a file on a stick", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := filesOf(a, args[1:])
			if err != nil {
				return err
			}
			return writingTo(args[0], cmd.OutOrStdout(), func(w io.Writer) error { return archive.Export(w, files, time.Now()) })
		},
	}
}

func newConfigImport(putting func(*cobra.Command, func([]string) (archive.Files, string, error)) *cobra.Command) *cobra.Command {
	return putting(&cobra.Command{
		Use: "import FILE", Short: "Put in use what \"config export\" has written; - is the standard input, stick:NAME a file on a stick", Args: cobra.ExactArgs(1),
	}, func(args []string) (files archive.Files, why string, err error) {
		err = readingFrom(args[0], func(r io.Reader) error {
			files, err = archive.Import(r)
			return err
		})
		return files, "imported from " + args[0], err
	})
}

// writingTo has f write a file that only its owner may read: at a path, on a stick ("stick:NAME"), or out ("-").
func writingTo(where string, out io.Writer, f func(io.Writer) error) error {
	if where == "-" {
		return f(out)
	}
	path, done, err := onStick(where, true)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", where, err), done())
	}
	err = errors.Join(f(file), file.Sync(), file.Close())
	return errors.Join(err, done())
}

// readingFrom has f read a file: at a path, on a stick, or the standard input.
func readingFrom(where string, f func(io.Reader) error) error {
	if where == "-" {
		return f(os.Stdin)
	}
	file, err := openFrom(where)
	if err != nil {
		return fmt.Errorf("reading %s: %w", where, err)
	}
	return errors.Join(f(file), file.Close())
}

// openFrom opens a file at a path or on a stick.
func openFrom(where string) (io.ReadCloser, error) {
	path, done, err := onStick(where, false)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(err, done())
	}
	return stickFile{f, done}, nil
}

// A stickFile unmounts its stick when it is closed.
type stickFile struct {
	*os.File
	done func() error
}

func (f stickFile) Close() error { return errors.Join(f.File.Close(), f.done()) }
