package sdktest

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// Deaf starts a server on loopback whose kernel drops handshakes, because its accept queue is full, and returns what lets
// them in: a client's kernel says SYN again after a second.
func Deaf(t *testing.T) (address net.Addr, hear func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*syscall.SockaddrInet4).Port}
	queued := 0
	for {
		c, err := net.DialTimeout("tcp", address.String(), 100*time.Millisecond)
		if err != nil {
			break
		}
		t.Cleanup(func() { c.Close() })
		if queued++; queued == 8 {
			t.Fatal("the accept queue does not fill up")
		}
	}
	return address, func() {
		for range queued {
			if c, _, err := syscall.Accept(fd); err == nil {
				syscall.Close(c)
			}
		}
	}
}
