package grpc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// A line is a connection that the library uses once, and a witness of what came over it: the library's errors tell of
// HTTP/2, and not of the server that speaks something else or hangs up.
type line struct {
	net.Conn // the dialog, or TLS over it
	dialog   *dialog.Conn
	secure   *tls.Conn // nil: in clear text

	mu    sync.Mutex
	used  bool
	first []byte // the first bytes that came
	err   error  // of the read or the write that failed first
}

// once returns the line for the first connection, and no other: the library would try again and again.
func (l *line) once() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used {
		return nil, errors.New("the connection has ended")
	}
	l.used = true
	return l, nil
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.witness(b[:n], err)
	return n, err
}

// Write may be what meets a reset: the kernel tells of it once.
func (l *line) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	l.witness(nil, err)
	return n, err
}

func (l *line) witness(came []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if missing := beginning - len(l.first); missing > 0 {
		l.first = append(l.first, came[:min(len(came), missing)]...)
	}
	if err != nil && l.err == nil && !errors.Is(err, net.ErrClosed) {
		l.err = err
	}
}

// seen returns what the line has witnessed.
func (l *line) seen() (first []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first, l.err
}

// beginning is how many bytes are kept to know a protocol by.
const beginning = 40

// isHTTP2 says whether a connection can go on to be one of HTTP/2: a server's first frame is SETTINGS, RFC 9113, section
// 3.4, with a length in the first three bytes that is not text.
func isHTTP2(first []byte) bool {
	return first[0] == 0 && (len(first) < 4 || first[3] == 4)
}

// credentials are those of a connection that has shaken hands already.
func (l *line) credentials() credentials.TransportCredentials {
	if l.secure == nil {
		return insecure.NewCredentials()
	}
	return shaken{insecure.NewCredentials(), l.secure}
}

type shaken struct {
	credentials.TransportCredentials
	conn *tls.Conn
}

func (s shaken) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c, credentials.TLSInfo{
		State:          s.conn.ConnectionState(),
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
	}, nil
}

// Info makes the library write "https" where the request has a scheme.
func (s shaken) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

func (s shaken) Clone() credentials.TransportCredentials { return s }
