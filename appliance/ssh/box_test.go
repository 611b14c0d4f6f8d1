package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/console"
)

// asEvenkeel makes the test's own program what sessions run.
const asEvenkeel = "EVENKEEL_TEST_AS_EVENKEEL"

func TestMain(m *testing.M) {
	if os.Getenv(asEvenkeel) != "" {
		os.Exit(evenkeel(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// evenkeel is what sessions run in these tests.
func evenkeel(args []string) int {
	word := func(i int) string { return append(args, "", "", "")[i] }
	switch word(0) {
	case "console":
		fmt.Println("the menu")
		return evenkeel([]string{"lines"})
	case "lines": // says what it reads
		for {
			var line string
			if _, err := fmt.Scanln(&line); err == io.EOF || err == io.ErrUnexpectedEOF {
				fmt.Println("the end")
				return 0
			} else if line == "size" {
				ws, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
				if err != nil {
					ws = &unix.Winsize{}
				}
				fmt.Printf("%d columns, %d rows, TERM is %s\n", ws.Col, ws.Row, os.Getenv("TERM"))
			} else {
				fmt.Printf("read %s\n", line)
			}
		}
	case "words":
		fmt.Printf("%q\n", args[1:])
	case "copy":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return 1
		}
	case "who":
		fmt.Println(os.Getenv(Operator))
	case "exit":
		fmt.Fprintln(os.Stderr, "as you like")
		n, _ := strconv.Atoi(word(1))
		return n
	case "die":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		time.Sleep(time.Minute)
	case "flood":
		for {
			if _, err := os.Stdout.Write(make([]byte, 4096)); err != nil {
				return 1
			}
		}
	case "family": // has a child that heeds no SIGHUP, in a group of its own, and neither does it itself
		signal.Ignore(unix.SIGHUP)
		child := exec.Command("/proc/self/exe", "sleep")
		child.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
		if err := child.Start(); err != nil {
			return 1
		}
		fmt.Println(os.Getpid(), child.Process.Pid)
		if word(1) == "leave" {
			return 0
		}
		time.Sleep(time.Minute)
	case "sleep":
		signal.Ignore(unix.SIGHUP)
		time.Sleep(time.Minute)
	case "undo": // what is to be done after a hang-up
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, unix.SIGHUP)
		fmt.Println("waiting")
		<-hup
		time.Sleep(100 * time.Millisecond)
		if err := os.WriteFile(word(1), nil, 0o600); err != nil {
			return 1
		}
	case "read": // heeds no SIGHUP, and does something at the end of its input
		signal.Ignore(unix.SIGHUP)
		if tty, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil { // as forms have it: no key is an end
			tty.Lflag &^= unix.ICANON
			if unix.IoctlSetTermios(0, unix.TCSETS, tty) != nil {
				return 1
			}
		}
		fmt.Println("waiting")
		for b := make([]byte, 1); ; {
			if _, err := os.Stdin.Read(b); err != nil {
				break
			}
		}
		if err := os.WriteFile(word(1), nil, 0o600); err != nil {
			return 1
		}
	default:
		return 99
	}
	return 0
}

// A box has a Server in it.
type box struct {
	t    *testing.T
	dir  string
	s    *Server
	log  *journal
	addr chan net.Addr
	at   net.Addr

	cancel context.CancelFunc
	ended  chan struct{}
}

// A journal is a log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// has waits until something was logged.
func (j *journal) has(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(j.String(), text) }, func() string { return fmt.Sprintf("%q was not logged:\n%s", text, j) })
}

func eventually(t *testing.T, is func() bool, otherwise func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal(otherwise())
}

// quick are limits for tests.
var quick = limits{
	look: 10 * time.Millisecond, login: 20 * time.Second, pause: time.Millisecond, rest: time.Millisecond, alive: 20 * time.Second,
	hangup: 2 * time.Second, guests: 16, sessions: 10, channels: 10,
}

// newBox has neither key nor password. The children of this test are evenkeel.
func newBox(t *testing.T) *box {
	t.Setenv(asEvenkeel, "1")
	b := &box{t: t, dir: t.TempDir(), log: &journal{}, addr: make(chan net.Addr, 10), ended: make(chan struct{})}
	b.s = &Server{
		Listen: "127.0.0.1:0", HostKey: filepath.Join(b.dir, "ssh", "host"), AuthorizedKeys: filepath.Join(b.dir, "authorized_keys"),
		Password: console.Password{Path: filepath.Join(b.dir, "password"), Cost: bcrypt.MinCost},
		Program:  []string{"/proc/self/exe"}, Menu: []string{"console"},
		Log: hclog.New(&hclog.LoggerOptions{Output: b.log}), Ready: func(a net.Addr) { b.addr <- a }, limits: quick,
	}
	return b
}

func (b *box) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	b.cancel = cancel
	go func() {
		defer close(b.ended)
		if err := b.s.Run(ctx); err != nil {
			b.t.Error(err)
		}
	}()
	b.t.Cleanup(b.stop)
}

func (b *box) stop() {
	b.cancel()
	<-b.ended
}

func (b *box) ready() *box {
	b.t.Helper()
	select {
	case b.at = <-b.addr:
	case <-time.After(20 * time.Second):
		b.t.Fatalf("it does not listen:\n%s", b.log)
	}
	return b
}

// withKey is a box that listens, and one that may log in to it.
func withKey(t *testing.T, change ...func(*box)) (*box, ssh.Signer) {
	t.Helper()
	b := newBox(t)
	for _, f := range change {
		f(b)
	}
	k := newKey(t)
	b.writeKeys(line(k) + " alice@laptop\n")
	b.run()
	return b.ready(), k
}

func (b *box) writeKeys(text string) {
	b.t.Helper()
	if err := console.WriteFile(b.s.AuthorizedKeys, []byte(text)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) setPassword(p string) {
	b.t.Helper()
	if err := b.s.Password.Set(p); err != nil {
		b.t.Fatal(err)
	}
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// line is a key in a file of keys.
func line(k ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

// dial logs in.
func (b *box) dial(user string, how ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", b.at.String(), &ssh.ClientConfig{User: user, Auth: how, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 20 * time.Second})
}

func (b *box) client(k ssh.Signer) *ssh.Client {
	b.t.Helper()
	c, err := b.dial("admin", ssh.PublicKeys(k))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func (b *box) session(c *ssh.Client) *ssh.Session {
	b.t.Helper()
	v, err := c.NewSession()
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log)
	}
	return v
}

// says runs a command and returns what it writes.
func (b *box) says(c *ssh.Client, command string) (string, error) {
	b.t.Helper()
	v := b.session(c)
	defer v.Close()
	out, err := v.CombinedOutput(command)
	return string(out), err
}

// alive says whether there is a process.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}
