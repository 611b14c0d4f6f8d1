package ipvs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
)

// A table is an IPVS table in the kernel's words: what the kernel holds, or what it should hold.
type table struct {
	services map[kernel.ServiceKey]*service
	timeouts kernel.Timeouts        // zero in a desired table: as they are
	daemons  map[bool]kernel.Daemon // by Backup
}

// A service is a virtual service with its real servers.
type service struct {
	kernel.Service
	destinations map[kernel.DestinationKey]kernel.Destination
}

// same says whether there is no difference at all, which is quick to say.
func (s *service) same(as *service) bool {
	return s.Service == as.Service && maps.Equal(s.destinations, as.destinations)
}

func newTable() *table {
	return &table{services: make(map[kernel.ServiceKey]*service), daemons: make(map[bool]kernel.Daemon)}
}

// readTable reads the whole table. The kernel gives it out in pieces, so that what others change meanwhile may be seen
// or not.
func readTable(k kernel.Kernel) (*table, error) {
	t := newTable()
	list, err := k.Services()
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		destinations, err := k.Destinations(s.ServiceKey)
		if err != nil {
			return nil, err
		}
		to := &service{normal(s.Service), make(map[kernel.DestinationKey]kernel.Destination, len(destinations))}
		for _, d := range destinations {
			to.destinations[d.DestinationKey] = d.Destination
		}
		t.services[s.ServiceKey] = to
	}
	if t.timeouts, err = k.Timeouts(); err != nil {
		return nil, err
	}
	daemons, err := k.Daemons()
	if err != nil {
		return nil, err
	}
	for _, d := range daemons {
		t.daemons[d.Backup] = d
	}
	return t, nil
}

// normal returns a service without what means nothing: without persistence, its time-out and netmask.
func normal(s kernel.Service) kernel.Service {
	if s.Flags&kernel.Persistent == 0 {
		s.Timeout, s.Prefix = 0, s.FullPrefix()
	}
	return s
}

// apply notes an operation that the kernel has carried out. One on a service that is not in the table changes nothing
// here: somebody else made the service, and the table must be read again anyway.
func (t *table) apply(o kernel.Op) {
	s := t.services[o.Service.ServiceKey]
	switch o.Command {
	case kernel.SetService, kernel.NewDestination, kernel.SetDestination, kernel.DelDestination:
		if s == nil {
			return
		}
	}
	switch o.Command {
	case kernel.NewService:
		t.services[o.Service.ServiceKey] = &service{o.Service, make(map[kernel.DestinationKey]kernel.Destination)}
	case kernel.SetService:
		s.Service = o.Service
	case kernel.DelService:
		delete(t.services, o.Service.ServiceKey)
	case kernel.NewDestination, kernel.SetDestination:
		s.destinations[o.Destination.DestinationKey] = o.Destination
	case kernel.DelDestination:
		delete(s.destinations, o.Destination.DestinationKey)
	case kernel.NewDaemon:
		t.daemons[o.Daemon.Backup] = o.Daemon
	case kernel.DelDaemon:
		delete(t.daemons, o.Daemon.Backup)
	case kernel.SetConfig:
		t.timeouts = timeoutsOver(t.timeouts, o.Timeouts)
	}
}

// timeoutsOver returns is with what want says instead.
func timeoutsOver(is, want kernel.Timeouts) kernel.Timeouts {
	return kernel.Timeouts{TCP: cmp.Or(want.TCP, is.TCP), TCPFin: cmp.Or(want.TCPFin, is.TCPFin), UDP: cmp.Or(want.UDP, is.UDP)}
}

// sameDaemon compares a daemon with a desired one. The kernel keeps the length of its messages to what the
// interface's MTU has room for, at least 1452, a backup's not below 1024 (start_sync_thread in ip_vs_sync.c); 0 means
// whatever it chose.
func sameDaemon(is, want kernel.Daemon) bool {
	const least, mtu = 1024, 1500 - 40 - 8
	switch {
	case want.MaxLength == 0, want.Backup && want.MaxLength < least && is.MaxLength == least, is.MaxLength < want.MaxLength && is.MaxLength >= mtu:
		is.MaxLength = want.MaxLength
	}
	return is == want
}

// keys returns the services' keys in the order in which they are written and listed, addresses before marks.
func (t *table) keys() []kernel.ServiceKey {
	return slices.SortedFunc(maps.Keys(t.services), compareKeys)
}

func compareKeys(a, b kernel.ServiceKey) int {
	return cmp.Or(
		cmp.Compare(a.Mark, b.Mark),
		cmp.Compare(a.Family, b.Family),
		cmp.Compare(a.Protocol, b.Protocol),
		a.Address.Compare(b.Address),
		cmp.Compare(a.Port, b.Port),
	)
}

func compareDestinations(a, b kernel.DestinationKey) int {
	return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Port, b.Port))
}

// sorted returns a service's real servers by address and port.
func (s *service) sorted() []kernel.DestinationKey {
	return slices.SortedFunc(maps.Keys(s.destinations), compareDestinations)
}

// daemonName names a side of connection synchronisation.
func daemonName(backup bool) string {
	if backup {
		return "sync daemon (backup)"
	}
	return "sync daemon (master)"
}

// describeDaemon says what a daemon is told, for messages.
func describeDaemon(d kernel.Daemon) string {
	text := fmt.Sprintf("%s id %d group %s port %d ttl %d", d.Interface, d.ID, d.Group, d.Port, d.TTL)
	if d.MaxLength != 0 {
		text += fmt.Sprintf(" max_length %d", d.MaxLength)
	}
	return text
}
