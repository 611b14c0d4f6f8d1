package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// command is what is run on the real server: by a shell, unless the key is bound to a command of its own.
const command = "cat /proc/loadavg; nproc"

// mostOutput is how much of its output is read, in bytes.
const mostOutput = 4096

// askSSH logs in and runs the command.
func (c *Config) askSSH(ctx context.Context, t sdk.Target) (m measure, err error) {
	t.Port = c.SSH.Port
	login, err := c.SSH.login(t)
	if err != nil {
		return m, err
	}
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return m, err
	}
	defer conn.Close()
	session, err := open(conn, t, login)
	if err != nil {
		return m, err
	}
	defer session.Close()
	out, err := session.StdoutPipe()
	if err == nil {
		err = session.Start(command)
	}
	if err != nil {
		return m, conn.Reason(err, "running the command")
	}
	text, err := io.ReadAll(io.LimitReader(out, mostOutput))
	if err != nil {
		return m, conn.Reason(err, "reading the command's output")
	}
	m, err = parseProc(string(text), c.Minutes)
	if deadline, ok := ctx.Deadline(); err != nil && ok && !time.Now().Before(deadline) { // the library takes it for the end
		return m, conn.Reason(os.ErrDeadlineExceeded, "reading the command's output")
	}
	if err != nil {
		return m, err
	}
	if c.Processors > 0 {
		m.processors = c.Processors
	}
	return m, nil
}

// login is how a server is logged in to. The files are read each time: keys change.
func (s *SSH) login(t sdk.Target) (*ssh.ClientConfig, error) {
	key, err := os.ReadFile(s.PrivateKeyFile)
	if err != nil {
		return nil, file("private_key_file", s.PrivateKeyFile, err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	var passphrase *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &passphrase):
		return nil, file("private_key_file", s.PrivateKeyFile, errors.New("the key has a passphrase, which nobody is there to type"))
	case err != nil:
		return nil, file("private_key_file", s.PrivateKeyFile, errors.New("there is no private key in it"))
	}
	known, err := knownhosts.New(s.KnownHostsFile)
	if err != nil {
		return nil, file("known_hosts_file", s.KnownHostsFile, err)
	}
	algorithms := algorithmsOf(known, t)
	if len(algorithms) == 0 {
		return nil, fmt.Errorf("the host key of %s is not in %s", netip.AddrPortFrom(t.Address, t.Port), s.KnownHostsFile)
	}
	return &ssh.ClientConfig{
		User:              s.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   known,
		HostKeyAlgorithms: algorithms,
	}, nil
}

// algorithmsOf are the algorithms of the host keys that are known of a server. With others the server could show a key
// that is not known, although it has one that is.
func algorithmsOf(known ssh.HostKeyCallback, t sdk.Target) []string {
	var mismatch *knownhosts.KeyError
	if !errors.As(known(place(t), &net.TCPAddr{IP: t.Address.AsSlice(), Port: int(t.Port)}, nobodys{}), &mismatch) {
		return nil
	}
	var list []string
	for _, k := range mismatch.Want {
		switch typ := k.Key.Type(); typ {
		case ssh.KeyAlgoRSA: // the key's type; signatures are newer
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			list = append(list, typ)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// place is how a server is called in a file of known hosts.
func place(t sdk.Target) string { return netip.AddrPortFrom(t.Address, t.Port).String() }

// nobodys is a key that no server has.
type nobodys struct{}

func (nobodys) Type() string                        { return "nobody's" }
func (nobodys) Marshal() []byte                     { return nil }
func (nobodys) Verify([]byte, *ssh.Signature) error { return errors.New("nobody's key") }

// open logs in and opens a session.
func open(conn *dialog.Conn, t sdk.Target, login *ssh.ClientConfig) (*ssh.Session, error) {
	c, channels, requests, err := ssh.NewClientConn(conn, place(t), login)
	if err != nil {
		return nil, refused(conn, err, login.User)
	}
	session, err := ssh.NewClient(c, channels, requests).NewSession()
	if err != nil {
		return nil, conn.Reason(err, "opening a session of SSH")
	}
	return session, nil
}

// refused says why a login has failed. The library tells some reasons only in words.
func refused(conn *dialog.Conn, err error, user string) error {
	var key *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	var bound *dialog.BoundError
	words := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	switch {
	case errors.As(err, &key):
		return errors.New("the host key is another than known_hosts_file has: somebody may be in between, or the server is a new one")
	case errors.As(err, &revoked):
		return errors.New("the host key is one that known_hosts_file has as revoked")
	case errors.As(err, &bound):
		return bound
	case strings.Contains(words, "unable to authenticate"):
		return fmt.Errorf("the server does not let %s in with this key", user)
	case strings.Contains(words, "overflow reading version string"), strings.Contains(words, "invalid version string"):
		return errors.New("not SSH: the server does not say its version")
	case strings.HasPrefix(words, "ssh: "):
		return errors.New("logging in by SSH: " + dialog.Short(strings.TrimPrefix(words, "ssh: ")))
	}
	return conn.Reason(err, "logging in by SSH")
}

// file says what is wrong with a file that an attribute names.
func file(attribute, path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%s %s: %w", attribute, path, err)
}
