package smtp

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// exim starts a real one on loopback and returns its addresses: SMTP with STARTTLS, SMTP over TLS, and SMTP of one that
// serves nobody.
func exim(t *testing.T, a *sdktest.Authority) (plain, secure, closed net.Addr) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("exim listens for root only")
	}
	addresses := sdktest.Unused(t, 3)
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"mail.example.com"}})
	start := func(more string, listens ...net.Addr) {
		dir := sdktest.OpenDir(t)
		conf := fmt.Sprintf(`
			primary_hostname = mail.example.com
			keep_environment =
			spool_directory = %[1]s/spool
			log_file_path = %[1]s/spool/%%slog
			pid_file_path = %[1]s/spool/pid
			tls_advertise_hosts = *
			tls_certificate = %[2]s
			tls_privatekey = %[3]s
			smtp_banner = "mail.example.com ESMTP\nno spam\nplease"
			host_lookup =
			rfc1413_hosts =
			%[4]s`, dir, cert, key, more)
		sdktest.Process{
			Package: "exim4-daemon-light", Command: []string{"/usr/sbin/exim4", "-C", sdktest.WriteFile(t, dir, "exim.conf", conf), "-bdf"},
			Log: filepath.Join(spool(t, dir), "mainlog"), Listens: listens,
		}.Start(t)
	}
	port := func(i int) int { return addresses[i].(*net.TCPAddr).Port }
	start(fmt.Sprintf("local_interfaces = 127.0.0.1\ndaemon_smtp_ports = %d : %d\ntls_on_connect_ports = %[2]d", port(0), port(1)), addresses[:2]...)
	start(fmt.Sprintf("local_interfaces = 127.0.0.1\ndaemon_smtp_ports = %d\nacl_smtp_connect = none\nbegin acl\nnone:\ndeny message = no service for you", port(2)), addresses[2])
	return addresses[0], addresses[1], addresses[2]
}

// spool makes the folder that belongs to exim's own user.
func spool(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "spool")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if u, err := user.Lookup("Debian-exim"); err == nil { // without it Start says that exim is missing
		uid, _ := strconv.Atoi(u.Uid)
		if err := os.Chown(path, uid, 0); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestNSExim(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	plain, secure, closed := exim(t, a)
	trusted := fmt.Sprintf(`"sni":"mail.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{plain, `{}`, ""},
		{plain, `{"helo":"lb.example.com"}`, ""},
		{plain, `{"starttls":true,` + trusted + `}`, ""},
		{plain, `{"starttls":true,"verify":false}`, ""},
		{plain, `{"starttls":true,"sni":"mail.example.com"}`, `certificate of mail.example.com is signed by an unknown authority: "The Authority"`},
		{plain, `{"helo":"no_name!"}`, "EHLO: 250 expected, got 501 Syntactically invalid EHLO argument(s)"},
		{plain, `{"tls":true,"verify":false}`, `not TLS: the answer begins with "220-m"`},
		{secure, `{"tls":true,` + trusted + `}`, ""},
		{secure, `{"tls":true,"sni":"shop.example.com","ca_file":"` + a.File + `"}`, "certificate is not for shop.example.com but for mail.example.com"},
		{closed, `{}`, "220 expected, got 550 no service for you"},
	} {
		if got := ask(t, tt.server, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}
