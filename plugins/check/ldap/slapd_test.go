package ldap

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// slapd starts a real one on loopback, with a directory dc=example,dc=com that only its administrator may read, and returns
// its addresses: LDAP with StartTLS, LDAP over TLS.
func slapd(t *testing.T, a *sdktest.Authority) (plain, secure net.Addr) {
	t.Helper()
	const binary, loader = "/usr/sbin/slapd", "/usr/sbin/slapadd"
	if _, err := os.Stat(loader); err != nil {
		t.Skip("slapd is not installed (apt-get install slapd): ", err)
	}
	dir := sdktest.OpenDir(t)
	cert, key := a.Files(t, sdktest.Leaf{Names: []string{"ldap.example.com"}})
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := sdktest.WriteFile(t, dir, "slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
pidfile %[1]s/pid
argsfile %[1]s/args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw secret
directory %[1]s/data
maxsize 1048576
access to * by * none
`, dir, cert, key))
	ldif := sdktest.WriteFile(t, dir, "data.ldif", `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example
`)
	if b, err := exec.Command(loader, "-f", conf, "-l", ldif).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	at := sdktest.Unused(t, 2)
	sdktest.Process{
		Package: "slapd", Command: []string{binary, "-d", "0", "-f", conf, "-h", fmt.Sprintf("ldap://%s ldaps://%s", at[0], at[1])},
		Listens: at,
	}.Start(t)
	return at[0], at[1]
}

func TestSlapd(t *testing.T) {
	a := sdktest.NewAuthority(t, "The Authority")
	plain, secure := slapd(t, a)
	const login = `"bind_dn":"cn=admin,dc=example,dc=com","password":"secret","base":"dc=example,dc=com"`
	trusted := fmt.Sprintf(`"sni":"ldap.example.com","ca_file":%q`, a.File)
	for _, tt := range []struct {
		server       net.Addr
		config, want string
	}{
		{plain, `{}`, ""},
		{plain, `{"filter":"(objectClass=OpenLDAProotDSE)"}`, ""},
		{plain, `{"filter":"(objectClass=person)"}`, `search: "" has no entry with (objectClass=person)`},
		{plain, `{"base":"dc=example,dc=com"}`, "search: success expected, got 32 No Such Object"}, // to who may not see it
		{plain, `{` + login + `}`, ""},
		{plain, `{` + login + `,"filter":"(o=Example)"}`, ""},
		{plain, `{` + login + `,"filter":"(o=Other)"}`, `search: "dc=example,dc=com" has no entry with (o=Other)`},
		{plain, `{"bind_dn":"cn=admin,dc=example,dc=com","password":"wrong"}`, "bind: success expected, got 49 Invalid Credentials"},
		{plain, `{"starttls":true,` + login + `,` + trusted + `}`, ""},
		{plain, `{"starttls":true,"sni":"ldap.example.com"}`, `certificate of ldap.example.com is signed by an unknown authority: "The Authority"`},
		{secure, `{"tls":true,` + login + `,` + trusted + `}`, ""},
		{secure, `{"tls":true,"starttls":false,"sni":"mail.example.com","ca_file":"` + a.File + `"}`, "certificate is not for mail.example.com but for ldap.example.com"},
		{secure, `{}`, "waiting for the answer to search: the server closed the connection"},
	} {
		if got := ask(t, tt.server, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}
