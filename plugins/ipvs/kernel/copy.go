package kernel

// Copy returns a table in memory with what k holds now.
func Copy(k Kernel) (*Memory, error) {
	m := NewMemory()
	services, err := k.Services()
	if err != nil {
		return nil, err
	}
	for _, s := range services {
		destinations, err := k.Destinations(s.ServiceKey)
		if err != nil {
			return nil, err
		}
		to := &memoryService{s.Service, make(map[DestinationKey]Destination, len(destinations))}
		for _, d := range destinations {
			to.destinations[d.DestinationKey] = d.Destination
		}
		m.services[s.ServiceKey] = to
	}
	if m.timeouts, err = k.Timeouts(); err != nil {
		return nil, err
	}
	daemons, err := k.Daemons()
	if err != nil {
		return nil, err
	}
	for _, d := range daemons {
		m.daemons[d.Backup] = d
	}
	return m, nil
}
