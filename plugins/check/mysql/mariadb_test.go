package mysql

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// mariadb starts a real one on loopback.
func mariadb(t *testing.T, a *sdktest.Authority) net.Addr {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/mariadbd"); err != nil {
		t.Skip("it is not installed (apt-get install mariadb-server): ", err)
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	var user []string
	if os.Getuid() == 0 {
		user = []string{"--user=root"} // it refuses to be root unless told so
	}
	install := exec.Command("/usr/bin/mariadb-install-db", append(user, "--no-defaults", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=4M")...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	users := sdktest.WriteFile(t, dir, "init.sql", `
CREATE USER evenkeel@'127.0.0.1' IDENTIFIED BY 'secret';
CREATE USER secure@'127.0.0.1' IDENTIFIED BY 'secret' REQUIRE SSL;
CREATE DATABASE shop;
CREATE TABLE shop.goods (id INT);
CREATE TABLE shop.large (text VARCHAR(1000));
INSERT INTO shop.large SELECT REPEAT('x', 1000) FROM shop.seq_1_to_2000;
GRANT SELECT ON shop.* TO evenkeel@'127.0.0.1';
`)
	at := sdktest.Unused(t, 1)[0]
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"db.example.com"}})
	sdktest.Process{
		Package: "mariadb-server", Listens: []net.Addr{at}, Log: filepath.Join(dir, "log"),
		Command: append([]string{"/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + data, "--socket=" + filepath.Join(dir, "s"),
			"--pid-file=" + filepath.Join(dir, "pid"), "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", at.(*net.TCPAddr).Port),
			"--log-error=" + filepath.Join(dir, "log"), "--init-file=" + users, "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M",
			"--skip-name-resolve", "--ssl-ca=" + a.File, "--ssl-cert=" + cert, "--ssl-key=" + key}, user...),
	}.Start(t)
	return at
}

func TestNSMariaDB(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	server := mariadb(t, a)
	trusted := fmt.Sprintf(`"tls":true,"sni":"db.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct{ config, want string }{
		{`{"user":"evenkeel","password":"secret"}`, ""},
		{`{"user":"evenkeel","password":"secret","database":"shop"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT 1"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT @@read_only","row_match":"^0$"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT NULL","row_match":"^NULL$"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT @@read_only","row_match":"^1$"}`, `the query returns "0", which does not match "^1$"`},
		{`{"user":"evenkeel","password":"secret","database":"shop","query":"SELECT * FROM goods"}`, "the query returns no row"},
		{`{"user":"evenkeel","password":"secret","database":"shop","query":"SELECT * FROM large"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SET @a = 1"}`, "the query returns no rows: it is no SELECT"},
		{`{"user":"evenkeel","password":"secret","query":"SELEKT 1"}`, "the server refuses: You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server versi... (1064)"},
		{`{"user":"evenkeel","password":"secret","query":"SELECT SLEEP(60)"}`, "timeout after 5s waiting for the answer to the query"},
		{`{"user":"evenkeel","password":"wrong"}`, "the server refuses: Access denied for user 'evenkeel'@'127.0.0.1' (using password: YES) (1045)"},
		{`{"user":"evenkeel"}`, "the server refuses: Access denied for user 'evenkeel'@'127.0.0.1' (using password: NO) (1045)"},
		{`{"user":"nobody"}`, "the server refuses: Access denied for user 'nobody'@'127.0.0.1' (using password: NO) (1045)"},
		{`{"user":"evenkeel","password":"secret","database":"mysql"}`, "the server refuses: Access denied for user 'evenkeel'@'127.0.0.1' to database 'mysql' (1044)"},
		{`{"user":"secure","password":"secret"}`, "the server refuses: Access denied for user 'secure'@'127.0.0.1' (using password: YES) (1045)"},
		{`{"user":"secure","password":"secret",` + trusted + `}`, ""},
		{`{"user":"secure","password":"secret",` + trusted + `,"query":"SHOW STATUS LIKE 'Ssl_version'","row_match":"Ssl_version"}`, ""},
		{`{"user":"secure","password":"wrong",` + trusted + `}`, "the server refuses: Access denied for user 'secure'@'127.0.0.1' (using password: YES) (1045)"},
		{`{"user":"secure","password":"secret","tls":true,"verify":false}`, ""},
		{`{"user":"secure","password":"secret","tls":true,"sni":"db.example.com"}`, `certificate of db.example.com is signed by an unknown authority: "The Authority"`},
		{`{"user":"secure","password":"secret","tls":true,"ca_file":"` + a.File + `"}`, "certificate is not for 127.0.0.1 but for db.example.com"},
	} {
		if got := ask(t, server, tt.config); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
}
