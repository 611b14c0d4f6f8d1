package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/check/agent"
	"github.com/evenkeel/evenkeel/plugins/check/dns"
	"github.com/evenkeel/evenkeel/plugins/check/file"
	"github.com/evenkeel/evenkeel/plugins/check/ftp"
	"github.com/evenkeel/evenkeel/plugins/check/grpc"
	"github.com/evenkeel/evenkeel/plugins/check/http"
	"github.com/evenkeel/evenkeel/plugins/check/imap"
	"github.com/evenkeel/evenkeel/plugins/check/ldap"
	"github.com/evenkeel/evenkeel/plugins/check/load"
	"github.com/evenkeel/evenkeel/plugins/check/mysql"
	"github.com/evenkeel/evenkeel/plugins/check/ntp"
	"github.com/evenkeel/evenkeel/plugins/check/ping"
	"github.com/evenkeel/evenkeel/plugins/check/pop3"
	"github.com/evenkeel/evenkeel/plugins/check/postgres"
	"github.com/evenkeel/evenkeel/plugins/check/process"
	"github.com/evenkeel/evenkeel/plugins/check/radius"
	"github.com/evenkeel/evenkeel/plugins/check/redis"
	"github.com/evenkeel/evenkeel/plugins/check/script"
	"github.com/evenkeel/evenkeel/plugins/check/sip"
	"github.com/evenkeel/evenkeel/plugins/check/smtp"
	"github.com/evenkeel/evenkeel/plugins/check/tcp"
	"github.com/evenkeel/evenkeel/plugins/check/udp"
	"github.com/evenkeel/evenkeel/plugins/ipvs"
	"github.com/evenkeel/evenkeel/plugins/notify/mail"
	notifyscript "github.com/evenkeel/evenkeel/plugins/notify/script"
	"github.com/evenkeel/evenkeel/plugins/notify/service"
	"github.com/evenkeel/evenkeel/plugins/provision/ssh"
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp"
)

// builtins are the plugins that this binary is, each under its own name.
func builtins() []sdk.Plugin {
	return []sdk.Plugin{
		ipvs.Plugin(),
		tcp.Plugin(), http.Plugin(), script.Plugin(),
		udp.Plugin(), ping.Plugin(), dns.Plugin(), ntp.Plugin(), radius.Plugin(), sip.Plugin(), grpc.Plugin(),
		agent.Plugin(), file.Plugin(), process.Plugin(),
		mysql.Plugin(), postgres.Plugin(), redis.Plugin(), load.Plugin(),
		smtp.Plugin(), ftp.Plugin(), imap.Plugin(), pop3.Plugin(), ldap.Plugin(),
		mail.Plugin(), notifyscript.Plugin(), service.Plugin(),
		ssh.Plugin(),
		vrrp.Plugin(),
	}
}

// builtin returns the built-in plugin of a name, "check-http", if there is one that can be served.
func builtin(name string) (sdk.Plugin, bool) {
	all := builtins()
	i := slices.IndexFunc(all, func(p sdk.Plugin) bool { return p.Info().String() == name && !p.Declared() })
	if i < 0 {
		return sdk.Plugin{}, false
	}
	return all[i], true
}

// servePlugin is "evenkeel plugin NAME": the supervisor starts the built-in plugins this way.
func servePlugin(name string) int {
	if err := supervisor.Confine(); err != nil {
		fmt.Fprintf(os.Stderr, "evenkeel: plugin %s: %v\n", name, err)
		return 1
	}
	p, ok := builtin(name)
	if !ok {
		fmt.Fprintf(os.Stderr, "evenkeel: plugin %s: there is no such command and no built-in plugin %q; commands are new, test, describe and pin\n", name, name)
		return 2
	}
	sdk.Serve(p)
	return 0
}
