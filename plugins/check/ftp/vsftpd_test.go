package ftp

import (
	"bufio"
	"fmt"
	"net"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// vsftpd starts a real one on loopback, for anonymous users and with further lines of its configuration.
func vsftpd(t *testing.T, cert, key, more string) net.Addr {
	t.Helper()
	dir := sdktest.OpenDir(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	at := sdktest.Unused(t, 1)
	log := filepath.Join(dir, "log")
	conf := sdktest.WriteFile(t, dir, "vsftpd.conf", strings.Join([]string{
		"listen=YES", "listen_address=127.0.0.1", fmt.Sprintf("listen_port=%d", at[0].(*net.TCPAddr).Port), "background=NO",
		"run_as_launching_user=YES", "ftp_username=" + me.Username, "nopriv_user=" + me.Username, "secure_chroot_dir=/",
		"local_enable=NO", "anonymous_enable=YES", "anon_root=" + dir, "ftpd_banner=the archive", "vsftpd_log_file=" + log,
		"ssl_enable=YES", "rsa_cert_file=" + cert, "rsa_private_key_file=" + key,
		"allow_anon_ssl=YES", "force_anon_logins_ssl=NO", "force_anon_data_ssl=NO",
		more, "",
	}, "\n"))
	sdktest.Process{Package: "vsftpd", Command: []string{"/usr/sbin/vsftpd", conf}, Log: log, Listens: at}.Start(t)
	return at[0]
}

func TestVsftpd(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"ftp.example.com"}})
	plain := vsftpd(t, cert, key, "")
	secure := vsftpd(t, cert, key, "implicit_ssl=YES")
	full := vsftpd(t, cert, key, "max_clients=1")
	defer occupy(t, full).Close()
	trusted := fmt.Sprintf(`"sni":"ftp.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{plain, `{}`, ""},
		{plain, `{"user":"anonymous","password":"evenkeel@"}`, ""},
		{plain, `{"user":"monitor","password":"secret"}`, "USER: 230 expected, got 530 This FTP server is anonymous only."},
		{plain, `{"starttls":true,"user":"ftp",` + trusted + `}`, ""},
		{plain, `{"starttls":true,"sni":"ftp.example.com"}`, `certificate of ftp.example.com is signed by an unknown authority: "The Authority"`},
		{plain, `{"tls":true,"verify":false}`, `not TLS: the answer begins with "220 t"`},
		{secure, `{"tls":true,"user":"anonymous",` + trusted + `}`, ""},
		{full, `{}`, "220 expected, got 421 There are too many connected users, please try later."},
	} {
		if got := ask(t, tt.server, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

// occupy takes the only place of a server, once whoever had it before has gone.
func occupy(t *testing.T, server net.Addr) net.Conn {
	t.Helper()
	for range 100 {
		c, err := net.Dial("tcp", server.String())
		if err != nil {
			t.Fatal(err)
		}
		if line, _ := bufio.NewReader(c).ReadString('\n'); strings.HasPrefix(line, "220") {
			return c
		}
		c.Close()
	}
	t.Fatal("the server has no place at all")
	return nil
}
