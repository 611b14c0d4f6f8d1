package ipvs

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// failure says what was refused, and why in words for an operator.
func (b *Balancer) failure(what string, o kernel.Op, err error) sdk.Failure {
	f := sdk.Failure{Operation: what, Error: explain(o, err)}
	switch o.Command {
	case kernel.NewDestination, kernel.SetDestination, kernel.DelDestination:
		f.Destination = o.Destination.DestinationKey.String()
		f.Service = b.want.name(o.Service.ServiceKey)
	case kernel.NewService, kernel.SetService, kernel.DelService:
		f.Service = b.want.name(o.Service.ServiceKey)
	}
	return f
}

// explain says what an errno means for an operation (ip_vs_ctl.c, ip_vs_sync.c).
func explain(o kernel.Op, err error) string {
	d := o.Destination
	switch {
	case errors.Is(err, unix.ENOENT) && (o.Command == kernel.NewService || o.Command == kernel.SetService):
		text := fmt.Sprintf("scheduler %s: module ip_vs_%s not available", o.Service.Scheduler, o.Service.Scheduler)
		if o.Service.Engine != "" {
			text += fmt.Sprintf(", or persistence engine %s: module ip_vs_pe_%s not available", o.Service.Engine, o.Service.Engine)
		}
		return text
	case errors.Is(err, unix.ERANGE) && d.Lower > d.Upper:
		return fmt.Sprintf("lower threshold %d is above the upper one, %d", d.Lower, d.Upper)
	case errors.Is(err, unix.ERANGE):
		return fmt.Sprintf("weight %d is above 2147483647", d.Weight)
	case errors.Is(err, unix.EINVAL) && (o.Command == kernel.NewDestination || o.Command == kernel.SetDestination):
		switch {
		case kernel.FamilyOf(d.Address) != o.Service.Family && d.Forward != kernel.ForwardTunnel:
			return "a real server of the other address family needs forward tun"
		case kernel.FamilyOf(d.Address) != o.Service.Family:
			return "a real server of the other address family excludes connection synchronisation"
		case d.Tunnel.Type == kernel.TunnelGUE && d.Tunnel.Port == 0:
			return "a gue tunnel needs a port"
		case o.Command == kernel.NewDestination:
			return "the kernel takes no such address for a real server: it is neither a host's nor one of its own"
		}
	case errors.Is(err, unix.ENODEV) && o.Command == kernel.NewDaemon:
		return fmt.Sprintf("there is no interface %s", o.Daemon.Interface)
	case errors.Is(err, unix.EINVAL) && o.Command == kernel.NewDaemon:
		return "connection synchronisation excludes real servers of another address family than their service's"
	case errors.Is(err, unix.EPERM):
		return "not permitted: this needs CAP_NET_ADMIN"
	}
	return err.Error()
}
