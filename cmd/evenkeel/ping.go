package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"github.com/spf13/cobra"
)

// A pinging is what "evenkeel ping" does.
type pinging struct {
	count     int // 0: until it is stopped
	iface     string
	source    netip.Addr
	every     time.Duration
	out       io.Writer
	answered  int // the last request that was
	requested int // the last request
}

func newPing() *cobra.Command {
	p := &pinging{}
	c := &cobra.Command{
		Use:   "ping ADDRESS",
		Short: "Ask a host for an answer (ICMP echo), by IPv4 or IPv6",
		Long: `Ask a host for an answer (ICMP echo), once a second. Ctrl-C ends it.

Exit status: 0, at least one request was answered, or it was stopped; 1, none was.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := stoppable(cmd.Context())
			defer stop()
			p.out = cmd.OutOrStdout()
			return p.run(ctx, args[0])
		},
	}
	f := c.Flags()
	f.IntVarP(&p.count, "count", "c", 5, "how many requests; 0: until Ctrl-C")
	f.StringVarP(&p.iface, "interface", "i", "", "the interface they leave by")
	f.TextVarP(&p.source, "source", "s", netip.Addr{}, "the address they come from")
	f.DurationVar(&p.every, "every", time.Second, "time between two requests, at least 10ms")
	return c
}

// stoppable is a context that ends when a person presses Ctrl-C, too, or the process is told to end.
func stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
}

// lastAnswer is how long the answer to the last request is waited for.
const lastAnswer = 2 * time.Second

func (p *pinging) run(ctx context.Context, host string) error {
	if p.count < 0 || p.every < 10*time.Millisecond {
		return errors.New("a count is 0 or more, and the time between two requests at least 10ms")
	}
	probe, err := probing.NewPinger(host)
	if err != nil {
		return fmt.Errorf("finding %s: %w", host, err)
	}
	probe.SetPrivileged(os.Geteuid() == 0) // without privilege net.ipv4.ping_group_range has to allow it
	probe.SetLogger(probing.NoopLogger{})
	probe.RecordRtts, probe.RecordTTLs = false, false
	probe.InterfaceName, probe.Interval, probe.Count = p.iface, p.every, -1
	if p.source.IsValid() {
		probe.Source = p.source.String()
	}
	if p.count > 0 {
		probe.Count = p.count
		probe.Timeout = time.Duration(p.count-1)*p.every + lastAnswer
	}
	probe.OnSend = func(k *probing.Packet) { p.sent(k.Seq + 1) }
	probe.OnSendError = func(k *probing.Packet, err error) {
		fmt.Fprintf(p.out, "request %d could not be sent: %v\n", k.Seq+1, errors.Unwrap(err))
	}
	probe.OnRecv = func(k *probing.Packet) {
		p.answered = max(p.answered, k.Seq+1)
		fmt.Fprintf(p.out, "%d: %s answers after %s\n", k.Seq+1, k.IPAddr, milliseconds(k.Rtt))
	}
	fmt.Fprintf(p.out, "%s is %s\n", host, probe.IPAddr())
	if err := probe.RunWithContext(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("asking %s: %w", host, err)
	}
	stopped := ctx.Err() != nil
	if !stopped {
		p.sent(p.requested + 1) // there is none, but the last one may have got no answer
	}
	s := probe.Statistics()
	fmt.Fprintf(p.out, "%d sent, %d answered", s.PacketsSent, s.PacketsRecv)
	if s.PacketsRecv == 0 {
		fmt.Fprintln(p.out)
		if stopped {
			return nil
		}
		return exitError{code: 1}
	}
	_, err = fmt.Fprintf(p.out, "; after %s at least, %s in the mean, %s at most\n", milliseconds(s.MinRtt), milliseconds(s.AvgRtt), milliseconds(s.MaxRtt))
	return err
}

// sent is called with each request, when the answer to the one before should have come.
func (p *pinging) sent(n int) {
	if n > 1 && p.answered < n-1 {
		fmt.Fprintf(p.out, "%d: no answer\n", n-1)
	}
	p.requested = n
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
