package sdk

import (
	"context"
	"net"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// ServeInProcess serves a plugin within this process, for tests: every call goes through gRPC as it would to a process,
// but there is none. It returns a connection for NewPluginClient, NewCheckerClient and the others. The plugin wants to be
// asked to Describe itself first, as by a core. close stops it, and returns when it has.
func ServeInProcess(p Plugin, logger hclog.Logger) (conn *grpc.ClientConn, close func()) {
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	l := newLife(p, logger)
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(l.options()...)
	l.register(server)
	served := make(chan struct{})
	go func() {
		server.Serve(listener) // ends with Stop, and with no other error that a test could do without
		l.stop(stopTime, false)
		served <- struct{}{}
	}()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:///"+p.info.String(),
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic("sdk: " + err.Error()) // of a target and options that are always the same
	}
	return conn, func() {
		conn.Close()
		server.Stop()
		<-served
	}
}
