package badplugin

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

// These plugins do without package sdk, as those in another language do: docs/plugins.md, "The wire".

// handshake prints the line that says where the plugin listens.
func handshake(line string) { fmt.Println(line) }

func socketDir() string { return os.Getenv("PLUGIN_UNIX_SOCKET_DIR") }

// serveRaw serves a PluginService.
func serveRaw(p pluginv1.PluginServiceServer) {
	path := filepath.Join(socketDir(), "raw")
	l, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := grpc.NewServer()
	pluginv1.RegisterPluginServiceServer(s, p)
	handshake("1|1|unix|" + path + "|grpc")
	s.Serve(l)
}

// A liar describes itself wrongly.
type liar struct {
	pluginv1.UnimplementedPluginServiceServer
	name         string
	deep, honest bool
}

func (l *liar) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	m := &pluginv1.DescribeResponse{
		Kind: "check", Name: l.name, Version: "0",
		Services: []string{pluginv1.CheckService_ServiceDesc.ServiceName},
		Schema: &pluginv1.Schema{Attributes: []*pluginv1.Attribute{
			{Name: "size", Type: "int", DefaultJson: []byte(`"forty-two"`)},
		}},
	}
	if l.honest {
		m.Services, m.Schema = nil, nil
	}
	for range 1000 {
		if l.deep {
			m.Schema = &pluginv1.Schema{Blocks: []*pluginv1.BlockType{{Name: "b", Schema: m.Schema}}}
		}
	}
	return m, nil
}

// A quitter says that its time is over, as one does that hangs and whose clock is ahead of the core's.
type quitter struct {
	pluginv1.UnimplementedPluginServiceServer
}

func (quitter) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return nil, status.Error(codes.DeadlineExceeded, "context deadline exceeded")
}

// otherProcess lets a process that is not of its group listen at its socket.
func otherProcess() {
	const variable = "BADPLUGIN_OTHER"
	path := filepath.Join(socketDir(), "other")
	if os.Getenv(variable) != "" {
		l, err := net.Listen("unix", path)
		if err != nil {
			os.Exit(1)
		}
		fmt.Println("ready")
		s := grpc.NewServer()
		pluginv1.RegisterPluginServiceServer(s, &liar{name: "other-process", honest: true})
		s.Serve(l)
		return
	}
	other := exec.Command("/proc/self/exe", os.Args[1:]...)
	other.Env = append(os.Environ(), variable+"=1")
	other.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	out, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out.Read(make([]byte, 16))
	handshake("1|1|unix|" + path + "|grpc")
	forever()
}
