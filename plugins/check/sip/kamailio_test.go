package sip

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestNSKamailio(t *testing.T) {
	server, secure := sdktest.FreePort(t), sdktest.FreePort(t)
	authority := sdktest.NewAuthority(t, "The Authority")
	cert, key := authority.Files(t, sdktest.Leaf{Names: []string{"sip.example.com"}})
	conf := sdktest.WriteFile(t, t.TempDir(), "kamailio.cfg", fmt.Sprintf(`
debug=0
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:%[1]d
listen=tcp:127.0.0.1:%[1]d
listen=tls:127.0.0.1:%[2]d
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "%[3]s")
modparam("tls", "private_key", "%[4]s")
request_route {
	if (!is_method("OPTIONS")) {
		sl_send_reply("405", "Method Not Allowed");
	} else if ($rU == "busy") {
		sl_send_reply("503", "Service Unavailable");
	} else {
		sl_send_reply("200", "OK");
	}
}
`, server.Port, secure.Port, cert, key))
	sdktest.Process{
		Package: "kamailio-tls-modules",
		Command: []string{"/usr/sbin/kamailio", "-DD", "-E", "-m", "16", "-M", "4", "-f", conf},
		Ready: func() bool {
			return ask(t, server, `{}`, sdktest.Short.String()) == "" && ask(t, secure, `{"protocol":"tcp","tls":true,"verify":false}`, sdktest.Short.String()) == ""
		},
	}.Start(t)
	const busy = "SIP 503 Service Unavailable, want 200-299"
	trusted := fmt.Sprintf(`"protocol":"tcp","tls":true,"ca_file":%q`, authority.File)
	for _, tt := range []struct{ config, want string }{
		{`{}`, ""},
		{`{"uri":"sip:busy@example.com"}`, busy},
		{`{"uri":"sip:busy@example.com","status":["503"]}`, ""},
		{`{"protocol":"tcp"}`, ""},
		{`{"protocol":"tcp","uri":"sip:busy@example.com"}`, busy},
	} {
		if got := ask(t, server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
	for _, tt := range []struct{ config, want string }{
		{`{` + trusted + `,"sni":"sip.example.com"}`, ""},
		{`{` + trusted + `,"sni":"sip.example.com","uri":"sip:busy@example.com"}`, busy},
		{`{` + trusted + `,"sni":"sip.example.org"}`, "certificate is not for sip.example.org but for sip.example.com"},
	} {
		if got := ask(t, secure, tt.config, tt.want); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
	if got, want := ask(t, secure, `{}`, ""), fmt.Sprintf("127.0.0.1:%d: port unreachable", secure.Port); got != want {
		t.Errorf("by UDP to the port of TLS: got %q, want %q", got, want)
	}
}
