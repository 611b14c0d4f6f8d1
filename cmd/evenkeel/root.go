package main

import (
	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/core/control"
)

// newRoot is the command line. Commands that speak with a running evenkeel share --socket.
func newRoot() *cobra.Command {
	var socket string
	root := &cobra.Command{
		Use:   "evenkeel",
		Short: "A load balancer: virtual servers on the kernel's IPVS, real servers watched, VIPs that survive a box",
		// What went wrong is printed once, by main, without the usage.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&socket, "socket", control.DefaultSocket, "the control socket of the running evenkeel")
	root.AddCommand(
		newRun(&socket), withLive(newStatus(&socket)), newVRRP(&socket), newBrake(&socket), newReload(&socket), newEvents(&socket), newStop(&socket),
		newPlugin(), newPlugins(&socket), newValidate(), newFmt(), newExport(), newConfig(&socket), newSSH(&socket), newVersion(),
		newWizard(), newPair(), newJoin(), newConsole(&socket), newPassword(), newSupport(&socket), newBox(&socket), newUpdate(&socket), newSlots(), newFactoryReset(),
	)
	root.AddCommand( // what the menu of a box has
		newPing(), newCapture(), newLogs(), newSticks(), newNetwork(&socket), newKeys(), newAbout(), newTime(),
	)
	return root
}

// asking makes the work of a command that speaks with the running evenkeel: f has a connection to it.
func asking(socket *string, f func(*cobra.Command, *control.Client) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		client, err := control.Dial(*socket)
		if err != nil {
			return err
		}
		defer client.Close()
		return f(cmd, client)
	}
}
