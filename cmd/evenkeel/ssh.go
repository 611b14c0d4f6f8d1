package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/ssh"
)

// defaultHostKey is the file of the key that a box shows to who connects by SSH.
const defaultHostKey = "/data/ssh/host_ed25519"

// newSSH is the process of a box that lets people in by SSH.
func newSSH(socket *string) *cobra.Command {
	var listen, access, hostKey string
	var fingerprint bool
	c := &cobra.Command{
		Use:   "ssh",
		Short: "Let people into a box by SSH, as soon as it has a key or a password; its init starts this",
		Long: `Let people into a box by SSH: with a terminal to its menu, with words to a command of evenkeel. Nobody is listened to while the
box has neither a file of keys (authorized_keys) nor a password.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if fingerprint {
				key, err := ssh.HostKey(hostKey)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), ssh.Fingerprint(key))
				return nil
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("finding the file of evenkeel: %w", err)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			password := filepath.Join(access, filepath.Base(defaultPassword))
			s := &ssh.Server{
				Listen: listen, HostKey: hostKey, AuthorizedKeys: filepath.Join(access, "authorized_keys"),
				Password: console.Password{Path: password},
				Program:  []string{program, "--socket", *socket}, Menu: []string{"console"},
				Log: hclog.New(&hclog.LoggerOptions{Name: "ssh", Output: os.Stderr}),
			}
			if password != defaultPassword {
				s.Menu = append(s.Menu, "--password-file", password)
			}
			return s.Run(ctx)
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", ":22", "address and port to listen at")
	f.StringVar(&access, "access", filepath.Dir(defaultPassword), "folder of the files authorized_keys and password")
	f.StringVar(&hostKey, "host-key", defaultHostKey, "file of the key that the box shows; made if it is not there")
	f.BoolVar(&fingerprint, "fingerprint", false, "print the fingerprint of that key, and no more")
	return c
}
