package imap

import (
	"fmt"
	"net"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/dovecot"
)

func TestDovecot(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	plain, secure := dovecot.Start(t, "imap", a)
	trusted := fmt.Sprintf(`"sni":"mail.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{plain, `{}`, ""},
		{plain, `{"user":"joe","password":"secret"}`, ""},
		{plain, `{"user":"homeless","password":"secret"}`, "NOOP: OK expected, got BYE Internal error occurred. Refer to server log for more information."},
		{plain, `{"starttls":true,"user":"joe","password":"secret",` + trusted + `}`, ""},
		{plain, `{"starttls":true,"sni":"mail.example.com"}`, `certificate of mail.example.com is signed by an unknown authority: "The Authority"`},
		{plain, `{"tls":true,"verify":false}`, `not TLS: the answer begins with "* OK "`},
		{secure, `{"tls":true,"user":"joe","password":"secret",` + trusted + `}`, ""},
		{plain, `{"user":"joe","password":"wrong"}`, "LOGIN: OK expected, got NO [AUTHENTICATIONFAILED] Authentication failed."}, // last: dovecot makes who was wrong wait
	} {
		if got := reason(t, tt.server, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}
