package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/support"
	"github.com/evenkeel/evenkeel/core/control"
)

func newSupport(socket *string) *cobra.Command {
	var paths []string
	c := &cobra.Command{
		Use:   "support FILE.tar.gz",
		Short: "Pack what a helper needs: configuration without passwords, status, events, logs; - is the standard output",
		Long: `Pack what somebody who helps from elsewhere needs to know, into a file, a file on a stick (stick:NAME.tar.gz) or the standard
output (-): the configuration without its passwords, the status, the events, the logs, the network, records of crashes.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writingTo(args[0], cmd.OutOrStdout(), func(w io.Writer) error { return writeBundle(cmd.Context(), w, *socket, paths...) })
		},
	}
	c.Flags().StringArrayVar(&paths, "config", []string{"/etc/evenkeel"}, "a .hcl file, or a folder of them; may be given more than once")
	return c
}

// writeBundle packs a support bundle. A configuration that can't be read and an evenkeel that does not run are no
// reason to have none.
func writeBundle(ctx context.Context, w io.Writer, socket string, config ...string) error {
	b := support.Bundle{Version: version}
	var err error
	if b.Configuration, err = readPaths(config); err != nil {
		b.Add("configuration", func() ([]byte, error) { return nil, err })
	}
	if client, err := control.Dial(socket); err == nil {
		defer client.Close()
		b.Control = client
	}
	text := func(f func(io.Writer) error) func() ([]byte, error) {
		return func() ([]byte, error) {
			var out strings.Builder
			err := f(&out)
			return []byte(out.String()), err
		}
	}
	b.Add("about.txt", text(func(w io.Writer) error { return about(w, "/", dataFolder) }))
	b.Add("network.txt", text(func(w io.Writer) error { return showNetwork(w, defaultBoxState) }))
	b.Add("history.txt", text(func(w io.Writer) error {
		a := &archive.Archive{Dir: defaultArchive}
		vs, err := a.List()
		printHistory(w, vs)
		return err
	}))
	for _, name := range []string{"log.1", "log"} {
		b.AddFile("log/"+name, filepath.Join(logFolder, name))
	}
	crashes, _ := filepath.Glob(filepath.Join(dataFolder, "crash", "*")) // the pattern is a good one
	for _, path := range crashes {
		b.AddFile("crash/"+filepath.Base(path), path)
	}
	if err := b.Write(ctx, w); err != nil {
		return fmt.Errorf("writing the support bundle: %w", err)
	}
	return nil
}
