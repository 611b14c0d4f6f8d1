package lab

import (
	"context"
	"io"
)

// A Node is a place where programs run: a virtual machine, or a network namespace of the host.
type Node interface {
	// Name is "dir1", "client", "rs1" …
	Name() string
	// Start starts a program. What it writes is kept in the Process, and copied to output unless that is nil.
	Start(ctx context.Context, output io.Writer, argv ...string) (*Process, error)
	// Run runs a shell script to its end and returns what it wrote, byte by byte, and its exit code. An error means that
	// this could not be done, not that the script failed. A process that the script leaves behind loses its output.
	Run(ctx context.Context, script string) (output string, exit int, err error)
}

// run is Run for every Node.
func run(ctx context.Context, n Node, script string) (string, int, error) {
	p, err := n.Start(ctx, nil, "/bin/sh", "-c", script)
	if err != nil {
		return "", -1, err
	}
	exit, err := p.Wait(ctx)
	return p.Output(), exit, err
}
