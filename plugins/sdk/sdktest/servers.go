package sdktest

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// within is how long a server of a test talks to one client at most.
const within = 5 * time.Second

// Accept starts a server on loopback that does f with each connection and closes it then. It ends with the test.
func Accept(t *testing.T, f func(c *net.TCPConn)) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { talk(c.(*net.TCPConn), f) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr()
}

// talk is what goleak knows a server's goroutine by.
func talk(c *net.TCPConn, f func(*net.TCPConn)) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(within))
	f(c)
}

// Answer starts a server that reads what a client says at first, says its sentence and hangs up. What the client says
// later is read, too: Linux sends a reset instead of an end when a socket is closed with something unread.
func Answer(t *testing.T, sentence string) net.Addr {
	t.Helper()
	return Accept(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 1<<16))
		io.WriteString(c, sentence)
		c.CloseWrite()
		io.Copy(io.Discard, c)
	})
}

// Greet starts a server that says its sentence at once, and then listens until the client has gone.
func Greet(t *testing.T, sentence string) net.Addr {
	t.Helper()
	return Accept(t, func(c *net.TCPConn) {
		io.WriteString(c, sentence)
		io.Copy(io.Discard, c)
	})
}

// Silent starts a server that takes connections and says nothing.
func Silent(t *testing.T) net.Addr {
	t.Helper()
	return Greet(t, "")
}

// Endless starts a server that sends a head and then more of the same until nobody listens.
func Endless(t *testing.T, head, more string) net.Addr {
	t.Helper()
	return Accept(t, func(c *net.TCPConn) {
		io.WriteString(c, head)
		for block := []byte(strings.Repeat(more, 1+(1<<14)/len(more))); ; {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
}

// A Script starts a server that says and expects lines, as SMTP and its like do: "S: 220 hello", "C: EHLO x" (a prefix is
// enough, "C:" any line), "TLS" shakes hands, "RST" resets. A client that says another line is an error of the test.
func Script(t *testing.T, secure *tls.Config, lines ...string) net.Addr {
	t.Helper()
	return Accept(t, func(tcp *net.TCPConn) {
		var c net.Conn = tcp
		for _, line := range lines {
			switch does, text, _ := strings.Cut(line, " "); does {
			case "S:":
				io.WriteString(c, text+"\r\n")
			case "C:", "C":
				switch said := readLine(c); {
				case said == "": // it has gone, and says why
					return
				case !strings.HasPrefix(said, text):
					t.Errorf("the client says %q, not %q", said, text)
					return
				}
			case "TLS":
				s := tls.Server(c, secure)
				if s.Handshake() != nil {
					return // which the client tells better
				}
				c = s
			case "RST":
				time.Sleep(20 * time.Millisecond) // so that the client is connected by then
				tcp.SetLinger(0)
				return
			default:
				t.Errorf("the script has %q", line)
			}
		}
	})
}

// readLine reads byte by byte: what comes after the line may be TLS. It returns "" at the end.
func readLine(r io.Reader) string {
	var line []byte
	for b := make([]byte, 1); len(line) < 1<<16; line = append(line, b[0]) {
		if _, err := io.ReadFull(r, b); err != nil {
			return ""
		}
		if b[0] == '\n' {
			break
		}
	}
	return strings.TrimSuffix(string(line), "\r")
}

// Unused returns addresses on loopback that nobody listens on.
func Unused(t *testing.T, n int) []net.Addr {
	t.Helper()
	var addresses []net.Addr
	for range n {
		addresses = append(addresses, net.TCPAddrFromAddrPort(freePort(t)))
	}
	return addresses
}

// freePort returns a port of 127.0.0.1 that neither TCP nor UDP has. It is none of those that Linux gives out by itself
// (net.ipv4.ip_local_port_range, from 32768), so that nobody gets it by chance before the test has used it.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	for range 100 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(10000+rand.IntN(22768)))
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		l.Close()
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		c.Close()
		return at
	}
	t.Fatal("there is no free port on loopback")
	return netip.AddrPort{}
}

// TargetAt is the target at the address of a server.
func TargetAt(a net.Addr) sdk.Target {
	at := a.(*net.TCPAddr).AddrPort()
	return sdk.Target{ID: "t", Address: at.Addr().Unmap(), Port: at.Port()}
}
