package ssh

import (
	"bufio"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// raw is a connection without an SSH.
func (b *box) raw() net.Conn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.at.String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

// forgive lets the source of all these tests in again.
func (b *box) forgive() {
	b.s.gate.mu.Lock()
	defer b.s.gate.mu.Unlock()
	b.s.gate.debts = nil
}

// ends waits until a connection is closed by the box.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for buffer := make([]byte, 4096); ; {
		_, err := c.Read(buffer)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection stays")
		}
		if err != nil {
			return
		}
	}
}

func TestNonsenseIsALostConnectionAndNoMore(t *testing.T) {
	b, k := withKey(t, func(b *box) { b.s.limits.login = 500 * time.Millisecond }) // for those that are half of something
	nonsense := []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat("x", 1<<16), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 1<<16),
		strings.Repeat("\x00", 1<<20), strings.Repeat("SSH", 1<<18), "SSH-1.5-old\r\n",
		"SSH-2.0-x\r\n" + strings.Repeat("\xff", 1<<20), "SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14" + strings.Repeat("\x00", 1<<16), "SSH-2.0-x\r\n\x00\x00\x00\x00\x00" + strings.Repeat("\x01", 1<<16),
	}
	for _, text := range nonsense {
		c := b.raw()
		go func() { _, _ = c.Write([]byte(text)) }() // which the box may not want to read
		ends(t, c)
	}
	b.log.has(t, "a connection without a login")
	b.forgive()
	b.client(k)
}

func TestWhoDoesNotLogInInTimeIsPutOut(t *testing.T) {
	b, _ := withKey(t, func(b *box) { b.s.limits.login = 200 * time.Millisecond })
	silent, half := b.raw(), b.raw()
	if _, err := half.Write([]byte("SSH-2.0-half\r\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(half).ReadString('\n'); err != nil || line != "SSH-2.0-evenkeel\r\n" {
		t.Errorf("%q, %v", line, err)
	}
	ends(t, silent)
	ends(t, half)
	// One that answers, and never says who it is.
	asked := make(chan struct{})
	_, err := b.dial("admin", ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		close(asked)
		time.Sleep(2 * b.s.limits.login)
		return nil, errors.New("never mind")
	}))
	<-asked
	if err == nil {
		t.Error("it has logged in")
	}
	eventually(t, func() bool { b.s.gate.mu.Lock(); defer b.s.gate.mu.Unlock(); return len(b.s.gate.strangers) == 0 }, func() string { return "places stay taken" })
}

func TestALoginIsNotCutByTheTimeForIt(t *testing.T) {
	b, k := withKey(t, func(b *box) { b.s.limits.login = 300 * time.Millisecond })
	c := b.client(k)
	time.Sleep(2 * b.s.limits.login)
	if out, err := b.says(c, "words x"); err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// A thousand connections that say nothing: the box has few of them, and little memory for them.
func TestAFloodOfConnectionsHasFewPlaces(t *testing.T) {
	b, _ := withKey(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 500 {
		if c, err := net.Dial("tcp", b.at.String()); err == nil {
			defer c.Close()
			_, _ = c.Write([]byte("SSH-2.0-x\r\n\x00\x03\xff\xf0"))
		}
	}
	b.s.gate.mu.Lock()
	n := len(b.s.gate.strangers)
	b.s.gate.mu.Unlock()
	if n > strangersOfOne {
		t.Errorf("%d places are taken", n)
	}
	eventually(t, func() bool { return runtime.NumGoroutine() < 200 }, func() string { return "a goroutine for each" })
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the flood has %d MB", grown>>20)
	}
}

// While a flood of passwords comes in from one address, another one is heard.
func TestAFloodOfPasswordsLeavesTheOthersAWayIn(t *testing.T) {
	b, k := withKey(t, func(b *box) {
		b.s.Listen, b.s.limits.rest, b.s.limits.pause = "0.0.0.0:0", 50*time.Millisecond, 50*time.Millisecond
		b.setPassword("right")
	})
	_, port, _ := net.SplitHostPort(b.at.String())
	b.at, _ = net.ResolveTCPAddr("tcp", net.JoinHostPort("127.0.0.1", port))
	stop := make(chan struct{})
	defer close(stop)
	for range 20 {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
				c, err := d.Dial("tcp", b.at.String())
				if err != nil {
					continue
				}
				conn, _, _, err := ssh.NewClientConn(c, "", &ssh.ClientConfig{User: "admin", HostKeyCallback: ssh.InsecureIgnoreHostKey(),
					Auth: []ssh.AuthMethod{ssh.RetryableAuthMethod(ssh.Password("wrong"), 3)}})
				if err == nil {
					conn.Close()
				}
				c.Close()
			}
		}()
	}
	b.log.has(t, "source=127.0.0.2/32 closed_for=1")
	b.client(k)
	c, err := b.dial("admin", ssh.Password("right"))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestAHugeCommandIsRefused(t *testing.T) {
	b, k := withKey(t)
	c := b.client(k)
	out, err := b.says(c, "words "+strings.Repeat("x", 200_000))
	if err == nil || !strings.Contains(out, "too long") {
		t.Errorf("%.100q, %v", out, err)
	}
	b.log.has(t, "was not understood")
	if n := len(b.log.String()); n > 10_000 {
		t.Errorf("the log has %d bytes of it", n)
	}
	if out, err := b.says(c, "words x"); err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// What is never read waits at the box, in the program, and ends with the connection.
func TestAnOutputThatIsNeverReadWaits(t *testing.T) {
	b, k := withKey(t)
	c := b.client(k)
	channel, requests, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	if ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{"flood"})); !ok || err != nil {
		t.Fatal(ok, err)
	}
	b.log.has(t, "command=flood")
	if out, err := b.says(c, "words x"); err != nil {
		t.Errorf("another session of the connection: %q, %v", out, err)
	}
	c.Close()
	eventually(t, func() bool { return b.s.used.Load() == 0 }, func() string { return "the session goes on" })
}

func TestSessionsAndConnectionsHaveABound(t *testing.T) {
	b, k := withKey(t, func(b *box) { b.s.limits.sessions, b.s.limits.channels, b.s.limits.guests = 3, 2, 2 })
	first, second := b.client(k), b.client(k)
	b.desk(first, 80, 25)
	d := b.desk(first, 80, 25)
	if _, err := first.NewSession(); err == nil {
		t.Error("a connection has three sessions")
	}
	b.desk(second, 80, 25)
	if out, err := b.says(second, "words x"); err == nil || !strings.Contains(out, "too many sessions") {
		t.Errorf("%q, %v", out, err)
	}
	b.log.has(t, "a session was refused")
	d.v.Close()
	eventually(t, func() bool {
		v, err := second.NewSession()
		if err != nil {
			return false
		}
		defer v.Close()
		return v.Run("words x") == nil
	}, func() string { return "there is no room again" })
	third, err := b.dial("admin", ssh.PublicKeys(k))
	if err == nil {
		defer third.Close()
		if _, err := third.NewSession(); err == nil {
			t.Error("three are logged in")
		}
	}
	b.log.has(t, "too many are logged in")
}

func TestRequestsInAnyOrderAreAnswered(t *testing.T) {
	b, k := withKey(t)
	c := b.client(k)
	v := b.session(c)
	for _, r := range []struct {
		name    string
		payload []byte
		want    bool
	}{
		{"window-change", ssh.Marshal(struct{ A, B, C, D uint32 }{1, 2, 3, 4}), false},
		{"pty-req", []byte("short"), false},
		{"pty-req", ssh.Marshal(struct {
			Term       string
			A, B, C, D uint32
			Modes      string
		}{"../../etc/passwd", 80, 25, 0, 0, "\xff\xff"}), true},
		{"pty-req", ssh.Marshal(struct {
			Term       string
			A, B, C, D uint32
			Modes      string
		}{"x", 80, 25, 0, 0, ""}), false},
		{"window-change", []byte{1}, false},
		{"exec", ssh.Marshal(struct{ C string }{"lines"}), true},
		{"exec", ssh.Marshal(struct{ C string }{"lines"}), false},
		{"shell", nil, false},
		{"pty-req", nil, false},
	} {
		if ok, err := v.SendRequest(r.name, true, r.payload); ok != r.want || err != nil {
			t.Errorf("%s %.20q: %v, %v", r.name, r.payload, ok, err)
		}
	}
}

// A muted connection says nothing from some moment on, and does not end.
type muted struct {
	net.Conn
	now atomic.Bool
}

func (m *muted) Write(b []byte) (int, error) {
	if m.now.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

func TestALineThatIsCutIsNoticed(t *testing.T) {
	b, k := withKey(t, func(b *box) { b.s.limits.alive = 50 * time.Millisecond })
	raw := b.raw()
	mute := &muted{Conn: raw}
	conn, channels, requests, err := ssh.NewClientConn(mute, "", &ssh.ClientConfig{User: "admin", HostKeyCallback: ssh.InsecureIgnoreHostKey(), Auth: []ssh.AuthMethod{ssh.PublicKeys(k)}})
	if err != nil {
		t.Fatal(err)
	}
	d := b.desk(ssh.NewClient(conn, channels, requests), 80, 25)
	d.waits("the menu")
	time.Sleep(3 * b.s.limits.alive)
	if b.s.used.Load() != 1 {
		t.Fatal("a connection that answers was ended")
	}
	mute.now.Store(true)
	eventually(t, func() bool { return b.s.used.Load() == 0 && b.s.inside.Load() == 0 }, func() string { return "nobody has noticed" })
}
