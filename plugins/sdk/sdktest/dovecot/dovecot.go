// Package dovecot starts a real dovecot for the tests of the checks that its protocols have.
package dovecot

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// Start starts one on loopback for a protocol, "imap" or "pop3", and returns its addresses in clear text with STARTTLS, and
// by TLS. Its certificate, signed by a, is for mail.example.com. Everybody's password is "secret"; user "homeless" is let in and then
// has no mailbox.
func Start(t *testing.T, protocol string, a *sdktest.Authority) (plain, secure net.Addr) {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	login, internal, owner := me.Username, me.Username, me.Username
	if os.Getuid() == 0 {
		login, internal, owner = "dovenull", "dovecot", "nobody" // which root may not be
	}
	dir := sdktest.OpenDir(t)
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "mail"), 0o777); err != nil { // whatever the umask
		t.Fatal(err)
	}
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"mail.example.com"}})
	at := sdktest.Unused(t, 2)
	port := func(i int) int { return at[i].(*net.TCPAddr).Port }
	log := filepath.Join(dir, "log")
	conf := fmt.Sprintf(`
		protocols = %[1]s
		listen = 127.0.0.1
		instance_name = evenkeel-test
		base_dir = %[2]s/run
		state_dir = %[2]s/state
		log_path = %[3]s
		ssl = yes
		ssl_cert = <%[4]s
		ssl_key = <%[5]s
		login_trusted_networks =
		default_login_user = %[6]s
		default_internal_user = %[7]s
		default_internal_group = %[8]s
		first_valid_uid = 1
		passdb {
			driver = static
			username_filter = homeless
			args = password=secret userdb_uid=0 userdb_gid=0 userdb_home=/
		}
		passdb {
			driver = static
			args = password=secret
		}
		auth_failure_delay = 0
		userdb {
			driver = prefetch
		}
		userdb {
			driver = static
			args = uid=%[9]s gid=%[12]s home=%[2]s/mail/%%u
		}
		mail_location = maildir:~/Maildir
		service %[1]s-login {
			chroot =
			inet_listener %[1]s {
				port = %[10]d
			}
			inet_listener %[1]ss {
				port = %[11]d
			}
		}
		service anvil {
			chroot =
		}
	`, protocol, dir, log, cert, key, login, internal, group(t, internal), owner, port(0), port(1), group(t, owner))
	sdktest.Process{
		Package: "dovecot-" + protocol + "d", Command: []string{"/usr/sbin/dovecot", "-F", "-c", sdktest.WriteFile(t, dir, "dovecot.conf", conf)},
		Log: log, Listens: at,
	}.Start(t)
	return at[0], at[1]
}

// group returns the name of a user's own group.
func group(t *testing.T, name string) string {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		return name // which Start says better
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return g.Name
}
