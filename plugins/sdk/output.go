package sdk

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// An output is where a plugin's stdout goes. go-plugin writes its handshake there and then sends what is printed over a
// stream of its own, which blocks whoever prints when the core is gone. So the real stdout is kept for the handshake,
// and everything else becomes lines of the log.
type output struct{ log *os.File }

// redirect points file descriptor 1, which children inherit, to the log, and os.Stdout to what it was, for go-plugin.
func redirect(logger hclog.Logger) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("redirecting stdout: %w", err)
	}
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("redirecting stdout: %w", err)
	}
	if err := unix.Dup3(int(w.Fd()), 1, 0); err != nil {
		return nil, fmt.Errorf("redirecting stdout: %w", err)
	}
	os.Stdout = os.NewFile(uintptr(fd), "handshake")
	go func() {
		lines := bufio.NewReaderSize(r, 4096)
		for {
			line, _, err := lines.ReadLine() // a longer line becomes several
			if err != nil {
				return
			}
			if s := strings.TrimSpace(string(line)); s != "" {
				logger.Info(s, "from", "stdout")
			}
		}
	}()
	return &output{w}, nil
}

// take undoes what go-plugin has done to os.Stdout and os.Stderr after its handshake.
func (o *output) take() { os.Stdout, os.Stderr = o.log, o.log }
