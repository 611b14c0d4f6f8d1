package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/capture"
)

// A capturing is what "evenkeel capture" does.
type capturing struct {
	capture.Capture
	host    netip.Addr
	port    uint16
	seconds int
	path    string
	size    int64 // MiB
}

func newCapture() *cobra.Command {
	c := &capturing{}
	cmd := &cobra.Command{
		Use:   "capture INTERFACE",
		Short: "Show the packets of a network interface, or write them to a file for Wireshark",
		Long: `Show the packets of a network interface, one line for each, or write them to a file that tcpdump and Wireshark read. Ctrl-C ends
it. The kernel sorts out what is not asked for, so that a busy director can be looked at.

A file is never larger than --size, and a tenth of its disk stays free.`,
		Example: `  evenkeel capture eth0 --protocol vrrp
  evenkeel capture eth0 --host 192.0.2.5 --port 80 --seconds 60 --write /data/support/web.pcap
  ssh admin@lb1 evenkeel capture eth0 --port 80 --write - | wireshark -k -i -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := stoppable(cmd.Context())
			defer stop()
			c.Interface, c.Filter.Host, c.Filter.Port = args[0], c.host, c.port
			return c.run(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.TextVar(&c.host, "host", netip.Addr{}, "only packets from or to this address")
	f.Uint16Var(&c.port, "port", 0, "only TCP and UDP from or to this port")
	f.StringVar(&c.Filter.Protocol, "protocol", "", "only "+strings.Join(capture.Protocols(), ", ")+", or the number of an IP protocol")
	f.IntVar(&c.Count, "count", 0, "end after so many packets")
	f.IntVar(&c.seconds, "seconds", 0, "end after so many seconds")
	f.IntVar(&c.Snap, "snap", capture.Snap, "bytes of each packet, from its beginning")
	f.StringVarP(&c.path, "write", "w", "", "the file to write packets to; - is the standard output, stick:NAME a file on a stick")
	f.Int64Var(&c.size, "size", 16, "MiB that the file has at most")
	return cmd
}

func (c *capturing) run(ctx context.Context, out, said io.Writer) error {
	if c.Count < 0 || c.seconds < 0 || c.size < 1 || c.Snap < 14 || c.Snap > capture.Snap {
		return fmt.Errorf("numbers are not negative, a size is at least 1, and the bytes of a packet are 14 to %d", capture.Snap)
	}
	if c.seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.seconds)*time.Second)
		defer cancel()
	}
	if err := c.Open(); err != nil {
		return err
	}
	if c.path == "" {
		return c.report(ctx, out, func(p capture.Packet) error {
			_, err := fmt.Fprintln(out, capture.Summary(c.Link(), p))
			return err
		})
	}
	if c.path == "-" {
		file, err := capture.NewFile(out, c.Link(), c.Snap, 1<<62)
		if err != nil {
			return err
		}
		return c.report(ctx, said, file.Add)
	}
	path, done, err := onStick(c.path, true)
	if err != nil {
		return err
	}
	return errors.Join(c.toFile(ctx, path, said), done())
}

func (c *capturing) toFile(ctx context.Context, path string, said io.Writer) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the packets: %w", err)
	}
	b := bufio.NewWriter(f)
	file, err := capture.NewFile(b, c.Link(), c.Snap, c.size<<20)
	if err == nil {
		file.Room = capture.RoomBeside(path)
		err = c.report(ctx, said, file.Add)
	}
	return errors.Join(err, b.Flush(), f.Close())
}

// report captures, and says at the end how it went.
func (c *capturing) report(ctx context.Context, said io.Writer, f func(capture.Packet) error) error {
	r, err := c.Run(ctx, f)
	if errors.Is(err, capture.ErrFull) {
		fmt.Fprintf(said, "ended: %v\n", err)
		err = nil
	}
	fmt.Fprintf(said, "%s", count(r.Packets, "packet"))
	if r.Dropped > 0 {
		fmt.Fprintf(said, ", and %d more came faster than they could be read: ask for less, by --host or --port", r.Dropped)
	}
	fmt.Fprintln(said)
	return err
}
