// Package health says whether a box does its work, by what its evenkeel says through the control API.
//
// A box is well when evenkeel answers, has a configuration applied (the last good one will do), and the plugins run without
// which nothing works: ipvs and vrrp, where the configuration has use for them. It never depends on real servers, the other
// director or the network: nothing outside the box makes an update fail, or the watchdog bite.
package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/core/control"
	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

// critical are the plugins that everything else is for.
var critical = []string{"ipvs", "vrrp"}

// Judge says why the box of a status is not well; nil: it is.
func Judge(st *controlv1.StatusResponse) error {
	if st.GetConfiguration().GetLoaded() == nil {
		return errors.New("no configuration is applied")
	}
	for _, p := range st.GetPlugins() {
		if slices.Contains(critical, p.GetName()) && p.GetState() != "running" {
			return fmt.Errorf("plugin %s is %s: %s", p.GetName(), p.GetState(), p.GetLastError())
		}
	}
	if b := st.GetBalancer(); b.GetProblem() != "" {
		return fmt.Errorf("the kernel's table can't be read: %s", b.GetProblem())
	}
	return nil
}

// ErrSilent is an evenkeel that does not answer: it does not run, or hangs.
var ErrSilent = errors.New("evenkeel does not answer")

// Ask asks the evenkeel that listens at a socket, and judges. ErrSilent is its own error: whatever else it says, evenkeel answers.
func Ask(ctx context.Context, socket string) error {
	client, err := control.Dial(socket)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSilent, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	st, err := client.Status(ctx, &controlv1.StatusRequest{Brief: true})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSilent, err)
	}
	return Judge(st)
}
