package syslog

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// certificate writes a key and its own certificate for 127.0.0.1.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "logs"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func freePort(t *testing.T) uint16 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// Debian's rsyslog hears what is sent, by each protocol, with its fields in their places.
func TestNSRsyslogHears(t *testing.T) {
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("rsyslog is not installed: make packages-test")
	}
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	for protocol, input := range map[string]string{
		"udp": `module(load="imudp") input(type="imudp" address="127.0.0.1" port="%d")`,
		"tcp": `module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="%d")`,
		"tls": `global(DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="` + cert + `" DefaultNetstreamDriverCertFile="` + cert + `" DefaultNetstreamDriverKeyFile="` + key + `")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon") input(type="imtcp" address="127.0.0.1" port="%d")`,
	} {
		t.Run(protocol, func(t *testing.T) {
			port := freePort(t)
			out, conf := filepath.Join(dir, protocol+".out"), filepath.Join(dir, protocol+".conf")
			text := fmt.Sprintf(input, port) + `
template(name="fields" type="string" string="%protocol-version%|%pri%|%timereported:::date-rfc3339%|%hostname%|%app-name%|%msg%\n")
*.* action(type="omfile" file="` + out + `" template="fields")
`
			if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("rsyslogd", "-n", "-f", conf, "-i", filepath.Join(dir, protocol+".pid"))
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			var said strings.Builder
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			s := NewSender(config.Syslog{Host: "127.0.0.1", Port: port, Protocol: protocol}, "lb1", 100)
			if protocol == "tls" {
				s.Server.CAFile = cert
			}
			go func() { _ = s.Run(t.Context()) }()
			want := `1|12|2026-05-01T12:00:00.123456Z|lb1|evenkeel|real server web down: grün`
			for range 100 {
				// Again and again: a datagram before the server is there is lost.
				s.Add(Message{Time: noon, Facility: 1, Severity: 4, Program: "evenkeel", Text: "real server web down: grün"})
				time.Sleep(100 * time.Millisecond)
				if b, _ := os.ReadFile(out); strings.Contains(strings.ReplaceAll(string(b), "\ufeff", ""), want+"\n") {
					return
				}
			}
			b, _ := os.ReadFile(out)
			t.Errorf("it has heard\n%s\nproblem %v; rsyslogd says %s", b, s.Problem(), said.String())
		})
	}
}
