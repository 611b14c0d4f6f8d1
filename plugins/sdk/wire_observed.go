package sdk

import (
	"math"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func failureOut(f Failure) *pluginv1.Failure {
	return &pluginv1.Failure{
		Service:     serviceKeyOut(f.Service),
		Destination: f.Destination,
		Operation:   f.Operation,
		Error:       text(f.Error),
	}
}

func failureIn(m *pluginv1.Failure) (f Failure, err error) {
	f = Failure{Destination: m.GetDestination(), Operation: m.GetOperation(), Error: text(m.GetError())}
	if k := m.GetService(); k.GetMark() != 0 || k.GetAddress() != "" { // time-outs and sync daemons belong to no service
		f.Service, err = serviceKeyIn(k)
	}
	return f, err
}

func applyResultOut(r ApplyResult) *pluginv1.BalancerServiceApplyResponse {
	return &pluginv1.BalancerServiceApplyResponse{Writes: countOut(r.Writes), Failures: each(r.Failures, failureOut)}
}

func applyResultIn(m *pluginv1.BalancerServiceApplyResponse) (r ApplyResult, err error) {
	r.Writes = int(min(m.GetWrites(), math.MaxInt32))
	r.Failures, err = eachIn(m.GetFailures(), failureIn)
	return r, err
}

func statsOut(s Stats) *pluginv1.Stats {
	return &pluginv1.Stats{
		Connections:          s.Connections,
		PacketsIn:            s.PacketsIn,
		PacketsOut:           s.PacketsOut,
		BytesIn:              s.BytesIn,
		BytesOut:             s.BytesOut,
		ConnectionsPerSecond: s.ConnectionsPerSecond,
		PacketsInPerSecond:   s.PacketsInPerSecond,
		PacketsOutPerSecond:  s.PacketsOutPerSecond,
		BytesInPerSecond:     s.BytesInPerSecond,
		BytesOutPerSecond:    s.BytesOutPerSecond,
	}
}

func statsIn(m *pluginv1.Stats) Stats {
	return Stats{
		Connections:          m.GetConnections(),
		PacketsIn:            m.GetPacketsIn(),
		PacketsOut:           m.GetPacketsOut(),
		BytesIn:              m.GetBytesIn(),
		BytesOut:             m.GetBytesOut(),
		ConnectionsPerSecond: m.GetConnectionsPerSecond(),
		PacketsInPerSecond:   m.GetPacketsInPerSecond(),
		PacketsOutPerSecond:  m.GetPacketsOutPerSecond(),
		BytesInPerSecond:     m.GetBytesInPerSecond(),
		BytesOutPerSecond:    m.GetBytesOutPerSecond(),
	}
}

func observedServiceOut(s ObservedService) *pluginv1.ObservedService {
	s.Service.Destinations = nil
	return &pluginv1.ObservedService{
		Service:      serviceOut(s.Service),
		Stats:        statsOut(s.Stats),
		Destinations: each(s.Destinations, observedDestinationOut),
	}
}

func observedServiceIn(m *pluginv1.ObservedService) (s ObservedService, err error) {
	if s.Service, err = serviceIn(m.GetService()); err != nil {
		return s, err
	}
	s.Service.Destinations, s.Stats = nil, statsIn(m.GetStats())
	s.Destinations, err = eachIn(m.GetDestinations(), observedDestinationIn)
	return s, err
}

func observedDestinationOut(d ObservedDestination) *pluginv1.ObservedDestination {
	return &pluginv1.ObservedDestination{
		Destination: destinationOut(d.Destination),
		Active:      d.Active,
		Inactive:    d.Inactive,
		Persistent:  d.Persistent,
		Stats:       statsOut(d.Stats),
	}
}

func observedDestinationIn(m *pluginv1.ObservedDestination) (d ObservedDestination, err error) {
	d = ObservedDestination{Active: m.GetActive(), Inactive: m.GetInactive(), Persistent: m.GetPersistent(), Stats: statsIn(m.GetStats())}
	d.Destination, err = destinationIn(m.GetDestination())
	return d, err
}

// readBatch bounds the real servers in one message of a Read: 5000 with all their counters are about 1 MB.
const readBatch = 5000

// observedOut cuts a table into messages at services; the first one has what belongs to the whole.
func observedOut(o Observed) []*pluginv1.BalancerServiceReadResponse {
	first := &pluginv1.BalancerServiceReadResponse{
		Timeouts:    timeoutsOut(o.Timeouts),
		Sync:        each(o.Sync, syncDaemonOut),
		Version:     o.Version,
		Connections: o.Connections,
		DryRun:      o.DryRun,
		Differences: texts(o.Differences),
	}
	out := []*pluginv1.BalancerServiceReadResponse{first}
	size := 0
	for _, s := range o.Services {
		if n := 1 + len(s.Destinations); size > 0 && size+n > readBatch {
			out, size = append(out, &pluginv1.BalancerServiceReadResponse{}), n
		} else {
			size += n
		}
		last := out[len(out)-1]
		last.Services = append(last.Services, observedServiceOut(s))
	}
	return out
}

// observedIn adds a message to the table that it belongs to.
func observedIn(o *Observed, first bool, m *pluginv1.BalancerServiceReadResponse) (err error) {
	if first {
		if o.Timeouts, err = timeoutsIn(m.GetTimeouts()); err != nil {
			return err
		}
		if o.Sync, err = eachIn(m.GetSync(), syncDaemonIn); err != nil {
			return err
		}
		o.Version, o.Connections, o.DryRun, o.Differences = m.GetVersion(), m.GetConnections(), m.GetDryRun(), m.GetDifferences()
	}
	services, err := eachIn(m.GetServices(), observedServiceIn)
	o.Services = append(o.Services, services...)
	return err
}

func balancerReportOut(r BalancerReport) *pluginv1.BalancerServiceWatchResponse {
	return &pluginv1.BalancerServiceWatchResponse{
		Time:     timeOut(r.Time),
		Drift:    texts(r.Drift),
		Failures: each(r.Failure, failureOut),
	}
}

func balancerReportIn(m *pluginv1.BalancerServiceWatchResponse) (r BalancerReport, err error) {
	r.Drift = m.GetDrift()
	if r.Time, err = timeIn("time of the report", m.GetTime()); err != nil {
		return r, err
	}
	r.Failure, err = eachIn(m.GetFailures(), failureIn)
	return r, err
}
