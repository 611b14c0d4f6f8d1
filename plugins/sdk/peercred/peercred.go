// Package peercred secures a gRPC connection over a unix socket by what the kernel says of the process at its other end:
// SO_PEERCRED, unix(7). There is no key to make, keep or let expire, and nothing is encrypted, since nothing leaves the
// machine. Both the core and its plugins use it.
package peercred

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
)

// A Peer is the process at the other end. For the side that connected it is the process that called listen(2), for the
// side that listens the one that called connect(2).
type Peer struct {
	PID int // 0 when the process is in a PID namespace that this one can't see
	UID int
	GID int
}

// Of asks the kernel for the peer of a connection.
func Of(c net.Conn) (Peer, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return Peer{}, fmt.Errorf("asking for the peer's credentials: %T is not a unix socket", c)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("asking for the peer's credentials: %w", err)
	}
	var cred *unix.Ucred
	var sockErr error
	if err := raw.Control(func(fd uintptr) {
		cred, sockErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, fmt.Errorf("asking for the peer's credentials: %w", err)
	}
	if sockErr != nil {
		return Peer{}, fmt.Errorf("asking for the peer's credentials: %w", sockErr)
	}
	return Peer{PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid)}, nil
}

// New returns transport credentials that let a connection pass when accept returns nil for its peer. They serve both
// ends.
func New(accept func(Peer) error) credentials.TransportCredentials { return &transport{accept} }

type transport struct{ accept func(Peer) error }

// authInfo says to gRPC what the connection is worth.
type authInfo struct {
	credentials.CommonAuthInfo
	Peer
}

func (authInfo) AuthType() string { return "peercred" }

func (t *transport) handshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	p, err := Of(c)
	if err == nil {
		err = t.accept(p)
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, authInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, p}, nil
}

func (t *transport) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return t.handshake(c)
}

func (t *transport) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return t.handshake(c)
}

func (t *transport) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "peercred"}
}

func (t *transport) Clone() credentials.TransportCredentials { return &transport{t.accept} }

func (t *transport) OverrideServerName(string) error { return nil }
