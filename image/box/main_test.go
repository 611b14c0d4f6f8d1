package box_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// TestMain also is the web server of the lab's real servers, which start this program with "web".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "web" {
		if err := web(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	status := m.Run()
	measured.print(os.Stdout)
	os.Exit(status)
}

func web(args []string) error {
	f := flag.NewFlagSet("web", flag.ContinueOnError)
	name, tcp, udp := f.String("name", "", ""), f.String("addr", "", ""), f.String("udp", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return traffic.Web(ctx, *name, *tcp, *udp, os.Stdout)
}
