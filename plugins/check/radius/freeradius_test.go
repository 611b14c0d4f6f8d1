package radius

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestNSFreeRADIUS(t *testing.T) {
	server := sdktest.FreePort(t)
	dir := t.TempDir()
	sdktest.WriteFile(t, dir, "radiusd.conf", fmt.Sprintf(`
prefix = /usr
libdir = /usr/lib/freeradius
logdir = %[1]s
run_dir = %[1]s
log {
	destination = stdout
}
cleanup_delay = 0
security {
	reject_delay = 0
	status_server = yes
	allow_vulnerable_openssl = yes
}
client localhost {
	ipaddr = 127.0.0.1
	secret = %[3]s
	require_message_authenticator = yes
}
modules {
	pap {
	}
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = %[2]d
	}
	authorize {
		if (&User-Name == "check") {
			update control {
				&Cleartext-Password := "knock"
			}
		}
		pap
	}
	authenticate {
		pap
	}
	post-auth { # which later versions do by themselves
		update reply {
			&Message-Authenticator := 0x00
		}
	}
}
`, dir, server.Port, secret))
	sdktest.Process{
		Package: "freeradius",
		Command: []string{"/usr/sbin/freeradius", "-f", "-l", "stdout", "-d", dir},
		Ready:   func() bool { return ask(t, server, status, sdktest.Short.String()) == "" },
	}.Start(t)
	for _, tt := range []struct{ config, want string }{
		{status, ""},
		{check, ""},
		{`{"secret":"testing123","user":"check","password":"knock","require_message_authenticator":true}`, ""},
		{`{"secret":"testing123","user":"check","password":"a"}`, `Access-Reject for user "check"`},
		{`{"secret":"testing123","user":"nobody","password":"a"}`, `Access-Reject for user "nobody"`},
		{`{"secret":"testing123","user":"nobody","password":"a","replies":["accept","reject"]}`, ""},
		{`{"secret":"wrong","user":"check","password":"knock"}`, "no answer within 300ms"},
	} {
		if got := ask(t, server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}
