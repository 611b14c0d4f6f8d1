package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// A keyFile is the public keys of who may log in over SSH, in the form of sshd(8), AUTHORIZED_KEYS FILE FORMAT.
type keyFile string

// newKeys are the commands for it.
func newKeys() *cobra.Command {
	var path string
	c := &cobra.Command{Use: "keys", Short: "The SSH keys of who may log in to a box"}
	c.PersistentFlags().StringVar(&path, "file", filepath.Join(filepath.Dir(defaultPassword), "authorized_keys"), "where they are")
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List them, each with its number", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				keys, err := keyFile(path).list()
				if err != nil {
					return err
				}
				for i, k := range keys {
					fmt.Fprintf(cmd.OutOrStdout(), "%4d) %s\n", i+1, described(k))
				}
				if len(keys) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "there is none")
				}
				return nil
			},
		},
		&cobra.Command{
			Use: "add KEY...", Short: "Add a public key, as it is in a file .pub", Args: cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				k, err := keyFile(path).add(strings.Join(args, " "))
				return said(cmd.OutOrStdout(), err, "added "+k)
			},
		},
		&cobra.Command{
			Use: "remove NUMBER|FINGERPRINT", Short: "Remove a key: whoever has it can't log in with it any more", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				k, err := keyFile(path).remove(args[0])
				return said(cmd.OutOrStdout(), err, "removed "+k)
			},
		},
	)
	return c
}

// list are the lines of the file that are keys.
func (f keyFile) list() (lines []string, err error) {
	text, err := os.ReadFile(string(f))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the SSH keys: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// described is a line of it as a person compares it.
func described(line string) string {
	key, err := authorized.Parse(line)
	if err != nil {
		return "a line that is not used: " + err.Error()
	}
	return key.String()
}

func (f keyFile) add(line string) (string, error) {
	line = strings.TrimSpace(line)
	key, err := authorized.Parse(line)
	if err != nil {
		return "", err
	}
	lines, err := f.list()
	if err != nil {
		return "", err
	}
	for _, l := range lines {
		if k, err := authorized.Parse(l); err == nil && bytes.Equal(k.Marshal(), key.Marshal()) {
			return "", fmt.Errorf("%s is there already", ssh.FingerprintSHA256(key))
		}
	}
	return key.String(), f.write(append(lines, line))
}

func (f keyFile) remove(which string) (string, error) {
	lines, err := f.list()
	if err != nil {
		return "", err
	}
	for i, l := range lines {
		if which == fmt.Sprint(i+1) || strings.Contains(described(l), " "+which) && strings.HasPrefix(which, "SHA256:") {
			return described(l), f.write(append(lines[:i:i], lines[i+1:]...))
		}
	}
	return "", fmt.Errorf("there is no key %q: \"evenkeel keys list\" lists them", which)
}

func (f keyFile) write(lines []string) error {
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil {
		return fmt.Errorf("making the folder of the SSH keys: %w", err)
	}
	return console.WriteFile(string(f), []byte(strings.Join(append(lines, ""), "\n")))
}
