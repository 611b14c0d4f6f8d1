package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
)

// snapshot is the state of everything.
func (l *loop) snapshot() sdk.VRRPReport {
	r := sdk.VRRPReport{Snapshot: true}
	for _, i := range l.instances {
		if i.machine == nil {
			continue // in the middle of a new configuration, of which there will be a report
		}
		s := i.machine.Status()
		r.Transitions = append(r.Transitions, sdk.VRRPTransition{
			Instance: i.spec.Name,
			To:       sdk.VRRPState(s.State.String()),
			Priority: s.Priority,
			Reason:   s.Reason,
			Time:     i.since,
		})
		r.Notices = append(r.Notices, i.open()...)
	}
	return r
}

// open are the notices that have not ended, the oldest first.
func (i *instance) open() []sdk.VRRPNotice {
	var list []sdk.VRRPNotice
	for _, n := range i.notices {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b sdk.VRRPNotice) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Subject, b.Subject)
	})
	return list
}

// status is all that an operator may want to know.
func (l *loop) status() sdk.VRRPStatus {
	s := sdk.VRRPStatus{
		Privileges: l.privileges,
		LateTimers: l.lateness.count,
		LateAfter:  lateAfter,
		MaxLate:    l.lateness.most,
		Unknown:    l.unknown,
	}
	for _, i := range l.instances {
		s.Instances = append(s.Instances, i.status())
	}
	return s
}

func (i *instance) status() sdk.VRRPInstanceStatus {
	m := i.machine.Status()
	s := sdk.VRRPInstanceStatus{
		Name:             i.spec.Name,
		State:            sdk.VRRPState(m.State.String()),
		Since:            i.since,
		Reason:           m.Reason,
		Priority:         m.Priority,
		Source:           i.at.source,
		MasterAddress:    m.Master.Source,
		MasterPriority:   m.Master.Priority,
		MasterInterval:   m.Master.Interval,
		Notices:          i.open(),
		BecameMaster:     m.Masters,
		AdvertsSent:      m.Sent,
		AdvertsReceived:  i.received,
		SendErrors:       i.sendErrors,
		LastSendError:    i.sendError,
		Discarded:        i.discards.list(),
		Announced:        i.announced,
		LargestAdvertGap: i.largestGap,
	}
	if m.State == machine.Master {
		s.MasterAddress, s.MasterPriority, s.MasterInterval = i.at.source, m.Priority, i.spec.AdvertInterval
		for _, a := range append(slices.Clone(i.spec.Addresses), i.spec.Excluded...) {
			if !i.missing(a.Prefix.Addr()) {
				s.Held = append(s.Held, a.Prefix)
			}
		}
	}
	return s
}

// missingAny says whether there is a notice that some address could not be had.
func (i *instance) missingAny() bool {
	for k := range i.notices {
		if k.kind == sdk.NoticeAddress {
			return true
		}
	}
	return false
}

// missing says whether there is a notice that an address could not be had.
func (i *instance) missing(a netip.Addr) bool {
	for k := range i.notices {
		if k.kind == sdk.NoticeAddress && strings.HasPrefix(k.subject, a.String()+"/") {
			return true
		}
	}
	return false
}

// list are the discards that there were.
func (d *discards) list() []sdk.VRRPDiscard {
	var list []sdk.VRRPDiscard
	for n, c := range d {
		if c.count > 0 {
			r := advert.Reason(n)
			list = append(list, sdk.VRRPDiscard{Reason: r.String(), Count: c.count, Last: fmt.Sprintf("from %s: %s", c.from, r.Sentence())})
		}
	}
	return list
}
