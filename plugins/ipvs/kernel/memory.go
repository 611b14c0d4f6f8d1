package kernel

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// A Memory is a table in memory that keeps the rules of the kernel's (net/netfilter/ipvs/ip_vs_ctl.c) and refuses with the
// same error numbers. A dry run programs one; tests look into one.
type Memory struct {
	// Schedulers and Engines are those that there are; nil: all. A service that asks for another is refused with ENOENT.
	Schedulers, Engines []string
	// Interfaces are those that a sync daemon may use; nil: any.
	Interfaces []string
	// Refuse, when not nil, is asked first: an errno from it is the answer to the operation.
	Refuse func(Op) error
	// After, when not nil, is called after every operation that was accepted, with the table locked: it must not call
	// the methods of the Memory, but may look at its content with Holds.
	After func(Op)

	mu       sync.Mutex
	services map[ServiceKey]*memoryService
	timeouts Timeouts
	daemons  map[bool]Daemon // by Daemon.Backup
	log      []Op
}

type memoryService struct {
	Service
	destinations map[DestinationKey]Destination
}

var _ Kernel = (*Memory)(nil)

// NewMemory returns an empty table with the kernel's default time-outs.
func NewMemory() *Memory {
	return &Memory{
		services: make(map[ServiceKey]*memoryService),
		timeouts: Timeouts{TCP: 15 * 60, TCPFin: 2 * 60, UDP: 5 * 60},
		daemons:  make(map[bool]Daemon),
	}
}

// Info returns the version of the rules that a Memory keeps.
func (m *Memory) Info() (Info, error) { return Info{Version: "1.2.1", ConnTableSize: 4096}, nil }

// Services returns every service.
func (m *Memory) Services() ([]ServiceState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]ServiceState, 0, len(m.services))
	for _, s := range m.services {
		list = append(list, ServiceState{Service: s.Service})
	}
	return list, nil
}

// Destinations returns the real servers of a service.
func (m *Memory) Destinations(k ServiceKey) ([]DestinationState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []DestinationState
	if s := m.services[k]; s != nil {
		for _, d := range s.destinations {
			list = append(list, DestinationState{Destination: d})
		}
	}
	return list, nil
}

// Holds returns a service's real servers without locking, for After.
func (m *Memory) Holds(k ServiceKey) (Service, map[DestinationKey]Destination, bool) {
	s := m.services[k]
	if s == nil {
		return Service{}, nil, false
	}
	return s.Service, s.destinations, true
}

// Timeouts returns the idle time-outs.
func (m *Memory) Timeouts() (Timeouts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.timeouts, nil
}

// Daemons returns the sync daemons.
func (m *Memory) Daemons() ([]Daemon, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.daemons)), nil
}

// Log returns the operations that were accepted, and forgets them.
func (m *Memory) Log() []Op {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := m.log
	m.log = nil
	return log
}

// Close does nothing.
func (m *Memory) Close() error { return nil }

// Do carries out the operations.
func (m *Memory) Do(ops []Op) ([]error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	results := make([]error, len(ops))
	for i, o := range ops {
		if m.Refuse != nil {
			results[i] = m.Refuse(o)
		}
		if results[i] == nil {
			if errno := m.one(o); errno != 0 {
				results[i] = errno
				continue
			}
			m.log = append(m.log, o)
			if m.After != nil {
				m.After(o)
			}
		}
	}
	return results, nil
}

// one is ip_vs_genl_set_cmd and ip_vs_genl_set_daemon.
func (m *Memory) one(o Op) unix.Errno {
	switch o.Command {
	case Flush:
		clear(m.services)
		return 0
	case SetConfig:
		return m.setTimeouts(o.Timeouts)
	case NewDaemon:
		return m.newDaemon(o.Daemon)
	case DelDaemon:
		if _, ok := m.daemons[o.Daemon.Backup]; !ok {
			return unix.ESRCH
		}
		delete(m.daemons, o.Daemon.Backup)
		return 0
	case Zero:
		if o.Service.ServiceKey == (ServiceKey{}) {
			return 0
		}
	}
	s := m.services[o.Service.ServiceKey]
	if o.Command == NewService {
		if s != nil {
			return unix.EEXIST
		}
		return m.setService(&memoryService{destinations: make(map[DestinationKey]Destination)}, o.Service)
	}
	if s == nil {
		return unix.ESRCH
	}
	switch o.Command {
	case SetService:
		return m.setService(s, o.Service)
	case DelService:
		delete(m.services, o.Service.ServiceKey)
	case NewDestination, SetDestination:
		return m.setDestination(s, o.Destination, o.Command == NewDestination)
	case DelDestination:
		if _, ok := s.destinations[o.Destination.DestinationKey]; !ok {
			return unix.ENOENT
		}
		delete(s.destinations, o.Destination.DestinationKey)
	}
	return 0
}

func (m *Memory) setService(to *memoryService, s Service) unix.Errno {
	switch {
	case m.Schedulers != nil && !slices.Contains(m.Schedulers, s.Scheduler):
		return unix.ENOENT
	case s.Engine != "" && m.Engines != nil && !slices.Contains(m.Engines, s.Engine):
		return unix.ENOENT
	case s.Family == unix.AF_INET6 && (s.Prefix < 1 || s.Prefix > 128):
		return unix.EINVAL
	}
	to.Service = s
	m.services[s.ServiceKey] = to
	return 0
}

func (m *Memory) setDestination(s *memoryService, d Destination, add bool) unix.Errno {
	if FamilyOf(d.Address) != s.Family {
		// Connection synchronisation cannot carry a server of the other family, and only a tunnel reaches one.
		if len(m.daemons) > 0 || d.Forward != ForwardTunnel {
			return unix.EINVAL
		}
	}
	switch _, exists := s.destinations[d.DestinationKey]; {
	case d.Weight > 1<<31-1, d.Lower > d.Upper:
		return unix.ERANGE
	case d.Forward == ForwardTunnel && d.Tunnel.Type == TunnelGUE && d.Tunnel.Port == 0:
		return unix.EINVAL
	case add && exists:
		return unix.EEXIST
	case !add && !exists:
		return unix.ENOENT
	case add && !unicast(d.Address):
		return unix.EINVAL
	}
	if d.Forward != ForwardTunnel {
		d.Tunnel = Tunnel{}
	}
	s.destinations[d.DestinationKey] = d
	return 0
}

// unicast is the kernel's test of a real server's address, as far as it needs no routing table.
func unicast(a netip.Addr) bool {
	return !a.IsMulticast() && !a.IsUnspecified() && !a.Is4In6() && !(a.Is6() && a.IsLinkLocalUnicast()) &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func (m *Memory) setTimeouts(t Timeouts) unix.Errno {
	const most = (1<<31 - 1) / 250 // HZ
	if t.TCP > most || t.TCPFin > most || t.UDP > most {
		return unix.EINVAL
	}
	for _, p := range []struct {
		to   *uint32
		want uint32
	}{{&m.timeouts.TCP, t.TCP}, {&m.timeouts.TCPFin, t.TCPFin}, {&m.timeouts.UDP, t.UDP}} {
		if p.want != 0 {
			*p.to = p.want
		}
	}
	return 0
}

func (m *Memory) newDaemon(d Daemon) unix.Errno {
	for k, s := range m.services {
		for dk := range s.destinations {
			if FamilyOf(dk.Address) != k.Family {
				return unix.EINVAL
			}
		}
	}
	if m.Interfaces != nil && !slices.Contains(m.Interfaces, d.Interface) {
		return unix.ENODEV
	}
	if _, ok := m.daemons[d.Backup]; ok {
		return unix.EEXIST
	}
	if !d.Group.IsValid() {
		d.Group = netip.AddrFrom4([4]byte{224, 0, 0, 81})
	}
	if d.Port == 0 {
		d.Port = 8848
	}
	d.TTL = max(d.TTL, 1)
	const most = 1472 // of an MTU of 1500, which is also the default
	if d.MaxLength == 0 || d.MaxLength > most {
		d.MaxLength = most
	}
	if d.Backup {
		d.MaxLength = max(d.MaxLength, 1024)
	}
	m.daemons[d.Backup] = d
	return 0
}
