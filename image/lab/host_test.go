package lab_test

import (
	"net"
	"testing"

	"github.com/evenkeel/evenkeel/image/lab"
)

// IPVS sends what comes from a port that it knows to where it sent it before: a count by weight needs new ports.
func TestNSEachConnectionOfAClientHasAPortOfItsOwn(t *testing.T) {
	l := newLab(t, lab.Options{Directors: -1, RealServers: 1})
	at := l.RealServers[0].Address.String() + ":80"
	port := func(c net.Conn, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.LocalAddr().(*net.TCPAddr).Port
	}
	first := port(l.Client.Dial(t.Context(), "tcp", at))
	port(l.Client.DialFrom(t.Context(), &net.TCPAddr{Port: first + 1}, "tcp", at))
	for i := 2; i < 10; i++ {
		if got := port(l.Client.Dial(t.Context(), "tcp", at)); got != first+i {
			t.Errorf("connection %d comes from port %d, want %d", i, got, first+i)
		}
	}
}
