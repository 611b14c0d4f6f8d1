package main

import (
	"context"
	"os"
	"slices"

	"github.com/evenkeel/evenkeel/appliance/syslog"
	"github.com/evenkeel/evenkeel/hcl/config"
)

// A remote is who gets the logs, and under which name of this box; "": that of the machine.
type remote struct {
	host    string
	servers []config.Syslog
}

// relay gives each message to the file and to all servers.
func (b *box) relay(ctx context.Context, messages <-chan syslog.Message, servers <-chan remote) error {
	defer b.file.Close()
	const most = 10000 // messages for a server that is away: about 2 MB
	var senders []*syslog.Sender
	var now remote
	stop := func() {}
	defer func() { stop() }()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case want := <-servers:
			if want.host == "" {
				want.host, _ = os.Hostname()
			}
			if want.host == now.host && slices.Equal(want.servers, now.servers) {
				continue
			}
			stop()
			now, senders = want, nil
			sctx, cancel := context.WithCancel(ctx)
			stop = cancel
			for _, s := range want.servers {
				sender := syslog.NewSender(s, want.host, most)
				senders = append(senders, sender)
				go func() { _ = sender.Run(sctx) }() // it only ends
			}
		case m := <-messages:
			if err := b.file.Add(m); err != nil && said != err.Error() {
				said = err.Error()
				b.log.Error("the log does not survive a restart", "error", err)
			}
			for _, s := range senders {
				s.Add(m)
			}
		}
	}
}
