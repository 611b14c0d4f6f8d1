package postgres

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// bin is where Debian 12 has the server's programs.
const bin = "/usr/lib/postgresql/15/bin/"

// as returns what runs a program as the user postgres, and gives that user files, where root runs the test: the server
// refuses to be root.
func as(t *testing.T) (command []string, give func(paths ...string)) {
	t.Helper()
	if os.Getuid() != 0 {
		return nil, func(...string) {}
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}, func(paths ...string) {
		for _, p := range paths {
			if err := os.Chown(p, uid, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// private copies a file to a folder, for its owner only, and returns its new path.
func private(t *testing.T, file, dir string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// server starts a real one on loopback.
func server(t *testing.T, a *sdktest.Authority) net.Addr {
	t.Helper()
	if _, err := os.Stat(bin + "postgres"); err != nil {
		t.Skip("it is not installed (apt-get install postgresql): ", err)
	}
	become, give := as(t)
	dir := sdktest.OpenDir(t)
	data := filepath.Join(dir, "data")
	give(dir)
	initdb := append(become, bin+"initdb", "--no-sync", "--username=root", "--auth=reject", "--locale=C", "--encoding=UTF8", data)
	if out, err := exec.Command(initdb[0], initdb[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sdktest.WriteFile(t, data, "pg_hba.conf", `
hostssl all secure   127.0.0.1/32 scram-sha-256
host    all secure   127.0.0.1/32 reject
host    all old      127.0.0.1/32 md5
host    all clear    127.0.0.1/32 password
host    all root     127.0.0.1/32 trust
host    all evenkeel 127.0.0.1/32 scram-sha-256
`)
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"db.example.com"}})
	cert, key = private(t, cert, dir), private(t, key, dir)
	give(cert, key)
	at := sdktest.Unused(t, 1)[0]
	sdktest.Process{
		Package: "postgresql", Listens: []net.Addr{at},
		Command: append(become, bin+"postgres", "-D", data, "-k", dir, "-p", strconv.Itoa(at.(*net.TCPAddr).Port),
			"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=1MB", "-c", "max_connections=10",
			"-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key),
		Ready: func() bool {
			return sdktest.Ask(t, Plugin(), sdktest.TargetAt(at), `{"user":"root"}`, time.Second) == ""
		},
	}.Start(t)

	c, err := pgconn.Connect(t.Context(), fmt.Sprintf("postgres://root@%s/postgres?sslmode=disable", at))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), `
		CREATE ROLE evenkeel LOGIN PASSWORD 'secret';
		CREATE ROLE secure LOGIN PASSWORD 'secret';
		CREATE ROLE clear LOGIN PASSWORD 'secret';
		SET password_encryption = md5;
		CREATE ROLE old LOGIN PASSWORD 'secret';
		CREATE TABLE goods (id INT);
		CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 2000);
		GRANT SELECT ON goods, large TO evenkeel;`).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNSPostgreSQL(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	at := server(t, a)
	trusted := fmt.Sprintf(`"tls":true,"sni":"db.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct{ config, want string }{
		{`{"user":"evenkeel","password":"secret"}`, ""},
		{`{"user":"old","password":"secret"}`, ""},
		{`{"user":"clear","password":"secret"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT pg_is_in_recovery()","row_match":"^f$"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT NULL","row_match":"^NULL$"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SHOW transaction_read_only","row_match":"^on$"}`, `the query returns "off", which does not match "^on$"`},
		{`{"user":"evenkeel","password":"secret","query":"SELECT * FROM goods"}`, "the query returns no row"},
		{`{"user":"evenkeel","password":"secret","query":"SELECT * FROM large"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SELECT current_setting('application_name')","row_match":"^evenkeel$"}`, ""},
		{`{"user":"evenkeel","password":"secret","query":"SET TIME ZONE 0"}`, "the query returns no rows: it is no SELECT"},
		{`{"user":"evenkeel","password":"secret","query":";"}`, "the query returns no rows: it is no SELECT"},
		{`{"user":"evenkeel","password":"secret","query":"SELEKT 1"}`, `the server refuses: syntax error at or near "SELEKT" (42601)`},
		{`{"user":"evenkeel","password":"secret","query":"SELECT pg_sleep(60)"}`, "timeout after 2s waiting for the answer to the query"},
		{`{"user":"evenkeel","password":"secret","database":"shop"}`, `the server refuses: database "shop" does not exist (3D000)`},
		{`{"user":"evenkeel","password":"wrong"}`, `the server refuses: password authentication failed for user "evenkeel" (28P01)`},
		{`{"user":"evenkeel"}`, `the server refuses: password authentication failed for user "evenkeel" (28P01)`},
		{`{"user":"nobody"}`, `the server refuses: no pg_hba.conf entry for host "127.0.0.1", user "nobody", database "postgres", no encryption (28000)`},
		{`{"user":"secure","password":"secret"}`, `the server refuses: pg_hba.conf rejects connection for host "127.0.0.1", user "secure", database "postgres", no encrypti... (28000)`},
		{`{"user":"secure","password":"secret",` + trusted + `}`, ""},
		{`{"user":"secure","password":"secret",` + trusted + `,"query":"SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()","row_match":"^t$"}`, ""},
		{`{"user":"secure","password":"wrong",` + trusted + `}`, `the server refuses: password authentication failed for user "secure" (28P01)`},
		{`{"user":"secure","password":"secret","tls":true,"verify":false}`, ""},
		{`{"user":"secure","password":"secret","tls":true,"sni":"db.example.com"}`, `certificate of db.example.com is signed by an unknown authority: "The Authority"`},
		{`{"user":"secure","password":"secret","tls":true,"ca_file":"` + a.File + `"}`, "certificate is not for 127.0.0.1 but for db.example.com"},
	} {
		if got := sdktest.Ask(t, Plugin(), sdktest.TargetAt(at), tt.config, 2*time.Second); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
}
