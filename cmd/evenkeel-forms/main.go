// Evenkeel-forms draws the wizard's questions as forms. It is started by evenkeel, which speaks with it at the descriptors 3
// and 4 (appliance/forms); nobody else has a use for it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/evenkeel/evenkeel/appliance/forms"
	"github.com/evenkeel/evenkeel/appliance/forms/screen"
)

func main() {
	ascii := flag.Bool("ascii", false, "show nothing but ASCII")
	flag.Parse()
	requests, replies := os.NewFile(forms.RequestsFD, "requests"), os.NewFile(forms.RepliesFD, "replies")
	if _, err := requests.Stat(); err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "evenkeel-forms: evenkeel starts this program; write evenkeel wizard")
		os.Exit(2)
	}
	s := screen.Screen{In: os.Stdin, Out: os.Stdout, Conn: forms.NewConn(requests, replies), Env: os.Environ(), ASCII: *ascii}
	if err := s.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "evenkeel-forms:", err)
		os.Exit(1)
	}
}
