package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/core/trial"
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// A tryout is what the flags of "plugin test" say.
type tryout struct {
	up, down           string // ADDRESS or ADDRESS:PORT; "": a type that needs none
	config, downConfig string
	verbose            bool
}

func newPluginTest() *cobra.Command {
	var o tryout
	c := &cobra.Command{
		Use:   "test FILE",
		Short: "Put the rules of the plugin contract to an executable, whatever it was written in",
		Long: `Put the rules of the plugin contract to an executable, whatever it was written in, and print a line for each: what it keeps, and
what it breaks and how. It takes some seconds.

A check is asked with two targets that you provide: one that is up, and one that is down as long as the test runs, such as a port
at which nobody listens. What its block in a configuration would hold is given with --config, in HCL or JSON:

    evenkeel plugin test ./check-greeting --up 127.0.0.1:7001 --down 127.0.0.1:7002 --config 'begins_with = "welcome"'

Of a type that needs no address, the target that is down has a configuration of its own, with --down-config.

Exit status: 0, it keeps all rules; 1, it breaks one, or is no plugin; 2, wrong flags.`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&o.up, "up", "", "ADDRESS:PORT, or ADDRESS, that the check must find up")
	f.StringVar(&o.down, "down", "", "ADDRESS:PORT, or ADDRESS, that it must find down")
	f.StringVar(&o.config, "config", "", "the body of its block, in HCL or as a JSON object")
	f.StringVar(&o.downConfig, "down-config", "", "that of the target that is down, if it is another one")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print what the plugin logs")
	return c
}

func (o *tryout) run(cmd *cobra.Command, file string) error {
	ctx, done := interruptible(cmd)
	defer done()
	t, err := open(ctx, file, o.verbose)
	if err != nil {
		return err
	}
	defer t.Close()
	warnIfBuiltin(t.Info)
	s, err := o.subject(t)
	if err != nil {
		return exitError{code: 2, err: err}
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s %q, version %s\n", t.Info.Kind, t.Info.Name, t.Info.Version)
	kept, broken := 0, 0
	t.Ask(ctx, s, func(a trial.Answer) {
		switch {
		case ctx.Err() != nil:
		case len(a.Wrong) > 0:
			broken++
			fmt.Fprintf(out, "FAIL  %s\n", a.Rule)
			for _, w := range a.Wrong {
				fmt.Fprintln(out, "      "+strings.ReplaceAll(w, "\n", "\n      "))
			}
		default:
			kept++
			fmt.Fprintf(out, "ok    %s\n", a.Rule)
		}
	})
	switch {
	case ctx.Err() != nil:
		return exitError{code: 1, err: errInterrupted}
	case broken > 0:
		return exitError{code: 1, err: fmt.Errorf("%s breaks %s of %d; what each wants is in docs/plugins.md", file, count(broken, "rule"), broken+kept)}
	}
	fmt.Fprintf(out, "It keeps all %d rules.\n", kept)
	return nil
}

// subject is what the flags say of the plugin.
func (o *tryout) subject(t *trial.Trial) (s contract.Subject, err error) {
	config, err := t.Configuration(o.config)
	switch {
	case err != nil && o.config == "":
		return s, fmt.Errorf("its block can't be empty: say with --config what it holds\n%w", err)
	case err != nil:
		return s, fmt.Errorf("--config is not good\n%w", err)
	}
	s.Good = []string{string(config)}
	if t.Info.Kind != sdk.KindCheck {
		if o.up+o.down+o.downConfig != "" {
			return s, fmt.Errorf("--up, --down and --down-config are for checks, and this is a plugin of the kind %s", t.Info.Kind)
		}
		return s, nil
	}
	down := config
	if o.downConfig != "" {
		if down, err = t.Configuration(o.downConfig); err != nil {
			return s, fmt.Errorf("--down-config is not good\n%w", err)
		}
	}
	switch same := string(config) == string(down); {
	case (o.up == "") != (o.down == ""), o.up == "" && same:
		return s, errors.New("a check is tried with two targets: give --up ADDRESS:PORT and --down ADDRESS:PORT or, where it needs no address, --config and --down-config")
	case o.up == o.down && same:
		return s, fmt.Errorf("%s can't be both up and down: give --down another address or port, or --down-config", o.up)
	}
	if s.Up, err = target("up", o.up, config); err != nil {
		return s, err
	}
	s.Down, err = target("down", o.down, down)
	return s, err
}

// target reads a target from a flag.
func target(flag, where string, config json.RawMessage) (sdk.Target, error) {
	t := sdk.Target{Config: config}
	if where != "" {
		if ap, err := netip.ParseAddrPort(where); err == nil {
			t.Address, t.Port = ap.Addr(), ap.Port()
		} else if t.Address, err = netip.ParseAddr(where); err != nil {
			return t, fmt.Errorf("--%s %s: write an address and a port, 127.0.0.1:7001 or [::1]:7001, or an address alone", flag, where)
		}
	}
	return contract.Scheduled(flag, t), nil
}
