package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/image/lab"
)

// hold makes a lab and runs the lines of standard input in it: the first word says where.
func hold(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("hold", flag.ExitOnError)
	mode := f.String("mode", "dr", "forwarding: dr, nat or tun")
	kind := f.String("vm", "uml", "kind of machine: uml or qemu")
	directors := f.Int("directors", 1, "number of directors")
	evenkeel := f.String("evenkeel", "", "the binary to put into the directors")
	_ = f.Parse(args) // it exits
	o := lab.Options{Directors: *directors, Log: os.Stderr}
	var err error
	if o.Mode, err = lab.ParseMode(*mode); err != nil {
		return err
	}
	if o.Kind, err = lab.ParseKind(*kind); err != nil {
		return err
	}
	if *evenkeel != "" {
		path, err := filepath.Abs(*evenkeel)
		if err != nil {
			return err
		}
		o.Director.Files = []lab.File{{Path: "/usr/sbin/evenkeel", Source: path, Mode: 0o755}}
	}
	l, err := lab.New(ctx, o)
	if err != nil {
		return err
	}
	defer l.Close()
	nodes := map[string]lab.Node{"client": l.Client}
	for _, d := range l.Directors {
		nodes[d.Name()] = d
	}
	for _, r := range l.RealServers {
		nodes[r.Name] = r.Node
	}
	fmt.Fprintln(os.Stderr, "The lab is up. Lines are \"dir1 ipvsadm -Ln\", \"client ip addr\" ...; the end of input ends it.")
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			where, script, _ := strings.Cut(strings.TrimSpace(line), " ")
			if where == "" {
				continue
			}
			n, ok := nodes[where]
			if !ok {
				fmt.Printf("no node is named %q\n", where)
				continue
			}
			out, exit, err := n.Run(ctx, script)
			fmt.Print(out)
			if err != nil || exit != 0 {
				fmt.Printf("exit %d %v\n", exit, errText(err))
			}
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
