package load

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// patience is how long a real server may take on a machine that has other things to do.
const patience = 20 * time.Second

// measured is what weighed says of a machine with some load.
var measured = regexp.MustCompile(`^[0-9]+%: load [0-9.]+ on [0-9]+ processors?$`)

func TestNSOpenSSH(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := sdktest.OpenDir(t)
	key, signer := keyFile(t, dir, "key")
	bound, boundSigner := keyFile(t, dir, "bound")
	other, _ := keyFile(t, dir, "other")
	hostFile, host := keyFile(t, dir, "host")
	sdktest.WriteFile(t, dir, "authorized_keys", string(ssh.MarshalAuthorizedKey(signer.PublicKey()))+
		`command="`+command+`",restrict `+string(ssh.MarshalAuthorizedKey(boundSigner.PublicKey())))
	at := sdktest.Unused(t, 1)[0]
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // which Debian's unit file makes
			t.Fatal(err)
		}
	}
	sdktest.Process{
		Package: "openssh-server", Listens: []net.Addr{at},
		Command: []string{"/usr/sbin/sshd", "-D", "-e", "-f", sdktest.WriteFile(t, dir, "sshd_config", fmt.Sprintf(`
ListenAddress %s
HostKey %s
HostKey /etc/ssh/ssh_host_ecdsa_key
AuthorizedKeysFile %s/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
`, at, hostFile, dir))},
	}.Start(t)
	known := sdktest.WriteFile(t, dir, "known_hosts", knownLine(at, host)) // the other host key is not known
	for _, tt := range []struct{ key, user, want string }{
		{key, me.Username, ""},
		{bound, me.Username, ""},
		{other, me.Username, "down: the server does not let " + me.Username + " in with this key"},
		{key, "no-such-user", "down: the server does not let no-such-user in with this key"},
	} {
		config := strings.Replace(configAt(at, tt.key, known, ""), "evenkeel", tt.user, 1)
		got := weighedWithin(t, patience, sdktest.TargetAt(at), config)
		if tt.want == "" && !measured.MatchString(got) || tt.want != "" && got != tt.want {
			t.Errorf("%s with %s: got %s, want %s", tt.user, filepath.Base(tt.key), got, tt.want)
		}
	}
}

// snmpd starts a real one and returns its address.
func snmpd(t *testing.T, conf string) sdk.Target {
	t.Helper()
	dir := t.TempDir()
	target := sdktest.FreePort(t)
	file := sdktest.WriteFile(t, dir, "snmpd.conf", "[snmp] persistentDir "+dir+"\n"+conf)
	sdktest.Process{
		Package: "snmpd",
		Command: []string{"/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", file, "-I", "-smux,mteTrigger,mteTriggerConf",
			fmt.Sprintf("udp:%s:%d", target.Address, target.Port)},
		Ready: func() bool { return !strings.HasPrefix(weighed(t, target, snmpConfig(target, "", "")), "down: asking") },
	}.Start(t)
	return target
}

// snmpConfig is the configuration for a server, with more before its block, and in it.
func snmpConfig(target sdk.Target, more, snmp string) string {
	return fmt.Sprintf(`{"high":100,%s"snmp":{%s"port":%d}}`, more, snmp, target.Port)
}

func TestNSNetSNMP(t *testing.T) {
	target := snmpd(t, `
rocommunity public 127.0.0.1
rocommunity narrow 127.0.0.1 .1.3.6.1.4.1.2021
rocommunity hr 127.0.0.1 .1.3.6.1.2.1.25
override 1.3.6.1.2.1.25.3.3.1.2.1 integer 60
override 1.3.6.1.2.1.25.3.3.1.2.2 integer 50
rocommunity nothing 127.0.0.1 .1.3.6.1.2.1.1
createUser evenkeel SHA "password1" AES "password2"
createUser sha2 SHA-256 "password1"
rouser evenkeel priv
rouser sha2 auth
`)
	const timeout = "down: timeout after 1s waiting for an answer by SNMP"
	v3 := func(more string) string { return `"version":"3","user":"evenkeel",` + more }
	for _, tt := range []struct{ more, snmp, want string }{
		{``, ``, ""},
		{`"minutes":15,`, ``, ""},
		{`"processors":8,`, `"community":"narrow",`, ""},
		{``, `"community":"narrow",`, "down: the server does not say how many processors it has (hrProcessorTable): write processors"},
		{``, `"community":"hr",`, "100%: load 1.10 on 2 processors"},
		{``, `"community":"nothing",`, "down: the server says neither its load (laLoad) nor that of its processors (hrProcessorLoad)"},
		{``, `"community":"wrong",`, timeout},
		{``, v3(`"auth_password":"password1","privacy_password":"password2",`), ""},
		{``, `"version":"3","user":"sha2","auth":"SHA256","auth_password":"password1",`, ""},
		{``, v3(`"auth_password":"password3","privacy_password":"password2",`), "down: asking by SNMP: incoming packet is not authentic, discarding"},
		{``, v3(`"auth_password":"password1","privacy_password":"password3",`), timeout},
		{``, `"version":"3","user":"nobody",`, "down: asking by SNMP: unknown username"},
	} {
		within := patience
		if tt.want == timeout {
			within = time.Second
		}
		got := weighedWithin(t, within, target, snmpConfig(target, tt.more, tt.snmp))
		if tt.want == "" && !measured.MatchString(got) || tt.want != "" && got != tt.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", tt.more, tt.snmp, got, tt.want)
		}
	}
}

func TestBadAnswersByDatagram(t *testing.T) {
	for name, answer := range map[string][]byte{
		"garbage":  []byte("\xfe\xdc\xba\x98"),
		"a header": []byte("\x30\x82\xff\xff\x02\x01\x01\x04\x06public"),
		"empty":    {},
		"another":  []byte("\x30\x29\x02\x01\x01\x04\x06public\xa2\x1c\x02\x04\x00\x00\x00\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x04\x00"),
		"deep":     []byte(strings.Repeat("\x30\x80", 2000)),
	} {
		target := sdktest.Answers(t, func([]byte) [][]byte { return [][]byte{answer} })
		if got := weighed(t, target, snmpConfig(target, "", "")); !strings.HasPrefix(got, "down: ") {
			t.Errorf("%s: got %s", name, got)
		} else {
			t.Logf("%s: %s", name, got)
		}
	}
	silent := sdktest.Answers(t, func([]byte) [][]byte { return nil })
	begin := time.Now()
	if got, want := weighed(t, silent, snmpConfig(silent, "", "")), "down: timeout after 1s waiting for an answer by SNMP"; got != want || time.Since(begin) > 3*time.Second {
		t.Errorf("silent: got %s after %s", got, time.Since(begin))
	}
	closed := sdktest.FreePort(t)
	if got, want := weighed(t, closed, snmpConfig(closed, "", "")), fmt.Sprintf("down: asking 127.0.0.1:%d by SNMP: connection refused", closed.Port); got != want {
		t.Errorf("closed: got %s, want %s", got, want)
	}
}

func FuzzAnswerByDatagram(f *testing.F) {
	f.Add([]byte("\x30\x29\x02\x01\x01\x04\x06public\xa2\x1c\x02\x04\x00\x00\x00\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x04\x00"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		target := sdktest.Answers(t, func([]byte) [][]byte { return [][]byte{answer} })
		c, err := sdk.Decode[Config]([]byte(snmpConfig(target, "", "")))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := probe(ctx, target, c); err == nil {
			t.Errorf("%q is an answer", answer)
		}
	})
}
