package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/console"
	"github.com/evenkeel/evenkeel/appliance/settings"
	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/hcl/config"
)

func (d *desk) networkItems() []console.Item {
	return []console.Item{
		d.shows("Show", "Interfaces with their state and addresses, routes, name servers, leases of DHCP servers, and what is wrong.", "network"),
		{Text: "Addresses of an interface", Command: "evenkeel network set INTERFACE --address ADDRESS/LENGTH|--dhcp", Run: d.setInterface,
			Help: "Changes how an interface gets its addresses, and its gateway. The change is tried, and goes back by itself when it is not confirmed, also when it has cut you off."},
		{Text: "Name, name servers and time servers", Command: "evenkeel network set --hostname NAME --nameserver ADDRESS --ntp-server NAME", Run: d.setHost,
			Help: "Changes what the box is called, and whom it asks for names and for the time."},
	}
}

// inUse are the files of the configuration in use, and its appliance block.
func (d *desk) inUse() (archive.Files, config.Appliance, error) {
	a := d.store()
	files, err := filesOf(a, nil)
	if err != nil {
		return nil, config.Appliance{}, err
	}
	cfg, text, err := core.Check(builtins(), []string{a.Current()}, false)
	if err != nil {
		return nil, config.Appliance{}, errors.Join(err, errors.New(text))
	}
	if cfg.Appliance == nil {
		return files, config.Appliance{}, nil
	}
	return files, *cfg.Appliance, nil
}

func (d *desk) setInterface(ctx context.Context, l *console.Lines) error {
	files, ap, err := d.inUse()
	if err != nil {
		return err
	}
	name, ok, err := l.Choose("Which interface", interfaceNames(ap))
	if err != nil || !ok {
		return err
	}
	i := slices.IndexFunc(ap.Interfaces, func(i config.ApplianceInterface) bool { return i.Name == name })
	now := config.ApplianceInterface{Name: name}
	if i >= 0 {
		now = ap.Interfaces[i]
	}
	to, ok, err := askInterface(l, now)
	if err != nil || !ok {
		return err
	}
	changed, err := settings.SetInterface(files, name, to)
	if err != nil {
		return err
	}
	return d.tryChanged(ctx, l, files, changed, "network of "+name)
}

// interfaceNames are those of the configuration, and then the cards that it does not know.
func interfaceNames(ap config.Appliance) (names []string) {
	for _, i := range ap.Interfaces {
		names = append(names, i.Name)
	}
	for _, c := range (console.Cards{}).List() {
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// askInterface asks how an interface gets its addresses; now is how it does.
func askInterface(l *console.Lines, now config.ApplianceInterface) (to settings.Interface, ok bool, err error) {
	preset := "static"
	if now.DHCP {
		preset = "dhcp"
	}
	how, ok, err := l.Prompt(console.Prompt{Text: "How does it get its address (static, dhcp)", Preset: preset, Check: oneOf("static", "dhcp"),
		Help: "static: you write it. dhcp: a DHCP server gives it."})
	if err != nil || !ok {
		return to, false, err
	}
	to.DHCP = how == "dhcp"
	preset = console.None
	if now.Addresses != nil {
		preset = joined(now.Addresses)
	}
	text := "Addresses, each with the length of its network"
	if to.DHCP {
		text = "Further addresses, each with the length of its network"
	} else if preset == console.None {
		preset = ""
	}
	list, ok, err := l.Prompt(console.Prompt{Text: text, Preset: preset, Check: isOf(prefixes),
		Help: "As in 192.0.2.11/24, or several with blanks between them. none takes them away."})
	if err != nil || !ok {
		return to, false, err
	}
	if list != console.None {
		to.Addresses, _ = prefixes(elements(list)) // checked
	}
	preset = console.None
	if now.Gateway.IsValid() {
		preset = now.Gateway.String()
	}
	gateway, ok, err := l.Prompt(console.Prompt{Text: "Gateway to other networks", Preset: preset, Check: isOf(addresses),
		Help: "The address of the router, which is in one of the networks of this interface. none takes it away; a DHCP server gives its own."})
	if gateway != console.None && ok {
		to.Gateway, err = netip.ParseAddr(gateway)
	}
	return to, ok, err
}

func (d *desk) setHost(ctx context.Context, l *console.Lines) error {
	files, ap, err := d.inUse()
	if err != nil {
		return err
	}
	orNone := func(s string) string {
		if s == "" {
			return console.None
		}
		return s
	}
	var answers [3]string
	for i, p := range []console.Prompt{
		{Text: "Name of this box", Preset: orNone(ap.Hostname), Help: "Letters, digits, hyphens and dots. It is in the prompt, in logs and in mails.", Check: noOption},
		{Text: "Name servers", Preset: orNone(joined(ap.Nameservers)), Help: "Addresses, with blanks between them; none takes them away.", Check: isOf(addresses)},
		{Text: "Time servers", Preset: orNone(strings.Join(ap.NTPServers, " ")), Help: "Names or addresses, with blanks between them; none takes them away.", Check: noOption},
	} {
		answer, ok, err := l.Prompt(p)
		if err != nil || !ok {
			return err
		}
		if answer != console.None {
			answers[i] = answer
		}
	}
	nameservers, _ := addresses(elements(answers[1])) // checked
	ntp := elements(answers[2])
	changed, err := settings.SetHost(files, settings.Host{Name: &answers[0], Nameservers: &nameservers, NTPServers: &ntp})
	if err != nil {
		return err
	}
	return d.tryChanged(ctx, l, files, changed, "name and servers of the box")
}

// tryChanged tries files, if they are different.
func (d *desk) tryChanged(ctx context.Context, l *console.Lines, before, after archive.Files, why string) error {
	same := len(before) == len(after)
	for name := range after {
		same = same && string(before[name]) == string(after[name])
	}
	if same {
		l.Printf("Nothing was changed.\n")
		return nil
	}
	_, err := d.change().Try(ctx, l, after, why)
	return err
}

func joined[T fmt.Stringer](all []T) string {
	var words []string
	for _, a := range all {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}
