package director

import (
	"slices"
	"strconv"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// This file has what follows an instance's state: connection synchronisation, and checks that run only beside the master.

// isMaster says whether an instance is master here. One that nobody has heard of is not.
func isMaster(instances map[string]*instance, name string) bool {
	v := instances[name]
	return v != nil && v.state == sdk.VRRPMaster
}

// syncDaemons returns the sides of sync blocks that should run: of one that follows an instance, the sending side where it
// is master and the receiving one elsewhere, and of any other both.
func syncDaemons(blocks []config.Sync, instances map[string]*instance) []sdk.SyncDaemon {
	var daemons []sdk.SyncDaemon
	for _, b := range blocks {
		for _, backup := range []bool{false, true} {
			if b.Follow != "" && backup == isMaster(instances, b.Follow) {
				continue
			}
			daemons = append(daemons, sdk.SyncDaemon{
				Backup:    backup,
				Interface: b.Interface,
				ID:        b.ID,
				Group:     b.Group,
				Port:      b.Port,
				TTL:       b.TTL,
				MaxLength: b.MaxLength,
			})
		}
	}
	return daemons
}

// followSync brings the sync daemons up to date after instances have come into other states, and says whether they are
// others now.
func (d *Director) followSync(events map[*instance]uint64) bool {
	next := syncDaemons(d.syncBlocks, d.byInstance)
	if slices.Equal(d.sync, next) {
		return false
	}
	d.sync = next
	for _, b := range d.syncBlocks {
		v := d.byInstance[b.Follow]
		if v == nil {
			continue
		}
		if event, ok := events[v]; ok {
			e := sdk.Event{Kind: "sync", Subject: "ipvs/" + strconv.Itoa(int(b.ID)), From: "master", To: "backup", Reason: v.is(), Cause: event}
			if v.state == sdk.VRRPMaster {
				e.From, e.To = e.To, e.From
			}
			d.emit(e)
		}
	}
	return true
}

// suspended says whether the checks of a virtual server should rest.
func suspended(vs *virtualServer, instances map[string]*instance) bool {
	return vs.cfg.ChecksFollow != "" && !isMaster(instances, vs.cfg.ChecksFollow)
}

// rest makes the checks of a virtual server rest, or run again. A check with a name of its own always runs.
func (vs *virtualServer) rest(on bool) {
	vs.suspended = on
	for _, s := range vs.servers {
		for _, t := range s.targets {
			if t.check.Name == "" {
				t.suspended = on
			}
		}
	}
}

// suspend brings the checks that follow instances up to date after these have come into other states, and returns what
// changes for the check plugins.
func (d *Director) suspend(events map[*instance]uint64) map[string]sdk.TargetUpdate {
	other := false
	for _, vs := range d.virtualServers {
		rest := suspended(vs, d.byInstance)
		if rest == vs.suspended {
			continue
		}
		other = true
		vs.rest(rest)
		v := d.byInstance[vs.cfg.ChecksFollow]
		e := sdk.Event{Kind: "virtual_server", Subject: vs.cfg.Name, To: "suspended", Reason: "its checks rest, because " + v.is(), Cause: events[v]}
		if !rest {
			e.From, e.To, e.Reason = "suspended", "checked", "its checks run, because "+v.is()
		}
		d.emit(e)
	}
	if !other {
		return nil
	}
	return d.retarget(d.plan(), d.plan())
}
