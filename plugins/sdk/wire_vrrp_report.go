package sdk

import (
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func vrrpStateIn(_ string, s string) (VRRPState, error) {
	switch v := VRRPState(s); v {
	case "", VRRPInitialize, VRRPBackup, VRRPMaster, VRRPFault: // "": there was none before
		return v, nil
	}
	return "", fmt.Errorf("reading vrrp state %q: not a state", clip(s))
}

func vrrpReportOut(r VRRPReport) *pluginv1.VRRPServiceWatchResponse {
	return &pluginv1.VRRPServiceWatchResponse{
		Snapshot:    r.Snapshot,
		Transitions: each(r.Transitions, transitionOut),
		Notices:     each(r.Notices, noticeOut),
	}
}

func vrrpReportIn(m *pluginv1.VRRPServiceWatchResponse) (VRRPReport, error) {
	r := VRRPReport{Snapshot: m.GetSnapshot()}
	var in checked
	take(&in, &r.Transitions, "transitions", m.GetTransitions(), list(transitionIn))
	take(&in, &r.Notices, "notices", m.GetNotices(), list(noticeIn))
	return r, in.err
}

func transitionOut(t VRRPTransition) *pluginv1.VRRPTransition {
	return &pluginv1.VRRPTransition{
		Instance: t.Instance,
		From:     string(t.From),
		To:       string(t.To),
		Priority: uint32(t.Priority),
		Reason:   text(t.Reason),
		Time:     timeOut(t.Time),
	}
}

func transitionIn(m *pluginv1.VRRPTransition) (VRRPTransition, error) {
	t := VRRPTransition{Instance: m.GetInstance(), Reason: text(m.GetReason())}
	var in checked
	take(&in, &t.From, "state before", m.GetFrom(), vrrpStateIn)
	take(&in, &t.To, "state", m.GetTo(), vrrpStateIn)
	take(&in, &t.Priority, "priority", m.GetPriority(), fit[uint8])
	take(&in, &t.Time, "time of the transition", m.GetTime(), timeIn)
	return t, in.err
}

func noticeOut(n VRRPNotice) *pluginv1.VRRPNotice {
	return &pluginv1.VRRPNotice{
		Instance: n.Instance,
		Kind:     n.Kind,
		Subject:  text(n.Subject),
		Ended:    n.Ended,
		Text:     text(n.Text),
		Time:     timeOut(n.Time),
	}
}

func noticeIn(m *pluginv1.VRRPNotice) (VRRPNotice, error) {
	n := VRRPNotice{Instance: m.GetInstance(), Kind: m.GetKind(), Subject: text(m.GetSubject()), Ended: m.GetEnded(), Text: text(m.GetText())}
	var in checked
	take(&in, &n.Time, "time of the notice", m.GetTime(), timeIn)
	return n, in.err
}

func vrrpStatusOut(s VRRPStatus) *pluginv1.VRRPServiceStatusResponse {
	return &pluginv1.VRRPServiceStatusResponse{
		Privileges: text(s.Privileges),
		LateTimers: s.LateTimers,
		LateAfter:  durationOut(s.LateAfter),
		MaxLate:    durationOut(s.MaxLate),
		Unknown:    s.Unknown,
		Instances:  each(s.Instances, instanceStatusOut),
	}
}

func vrrpStatusIn(m *pluginv1.VRRPServiceStatusResponse) (VRRPStatus, error) {
	s := VRRPStatus{Privileges: text(m.GetPrivileges()), LateTimers: m.GetLateTimers(), Unknown: m.GetUnknown()}
	var in checked
	take(&in, &s.LateAfter, "what counts as late", m.GetLateAfter(), durationIn)
	take(&in, &s.MaxLate, "greatest lateness", m.GetMaxLate(), durationIn)
	take(&in, &s.Instances, "instances", m.GetInstances(), list(instanceStatusIn))
	return s, in.err
}

func instanceStatusOut(s VRRPInstanceStatus) *pluginv1.VRRPInstanceStatus {
	return &pluginv1.VRRPInstanceStatus{
		Name:             s.Name,
		State:            string(s.State),
		Since:            timeOut(s.Since),
		Reason:           text(s.Reason),
		Priority:         uint32(s.Priority),
		Source:           addrOut(s.Source),
		MasterAddress:    addrOut(s.MasterAddress),
		MasterPriority:   uint32(s.MasterPriority),
		MasterInterval:   durationOut(s.MasterInterval),
		Held:             each(s.Held, prefixOut),
		Notices:          each(s.Notices, noticeOut),
		BecameMaster:     s.BecameMaster,
		AdvertsSent:      s.AdvertsSent,
		AdvertsReceived:  s.AdvertsReceived,
		SendErrors:       s.SendErrors,
		LastSendError:    text(s.LastSendError),
		Discarded:        each(s.Discarded, discardOut),
		Announced:        s.Announced,
		LargestAdvertGap: durationOut(s.LargestAdvertGap),
	}
}

func instanceStatusIn(m *pluginv1.VRRPInstanceStatus) (VRRPInstanceStatus, error) {
	s := VRRPInstanceStatus{
		Name:            m.GetName(),
		Reason:          text(m.GetReason()),
		BecameMaster:    m.GetBecameMaster(),
		AdvertsSent:     m.GetAdvertsSent(),
		AdvertsReceived: m.GetAdvertsReceived(),
		SendErrors:      m.GetSendErrors(),
		LastSendError:   text(m.GetLastSendError()),
		Discarded:       each(m.GetDiscarded(), discardIn),
		Announced:       m.GetAnnounced(),
	}
	var in checked
	take(&in, &s.State, "state", m.GetState(), vrrpStateIn)
	take(&in, &s.Since, "time of the state", m.GetSince(), timeIn)
	take(&in, &s.Priority, "priority", m.GetPriority(), fit[uint8])
	take(&in, &s.Source, "source", m.GetSource(), named(addrIn))
	take(&in, &s.MasterAddress, "address of the master", m.GetMasterAddress(), named(addrIn))
	take(&in, &s.MasterPriority, "priority of the master", m.GetMasterPriority(), fit[uint8])
	take(&in, &s.MasterInterval, "interval of the master", m.GetMasterInterval(), durationIn)
	take(&in, &s.Held, "addresses that are held", m.GetHeld(), list(prefixIn))
	take(&in, &s.Notices, "notices", m.GetNotices(), list(noticeIn))
	take(&in, &s.LargestAdvertGap, "largest gap", m.GetLargestAdvertGap(), durationIn)
	return s, in.err
}

func discardOut(d VRRPDiscard) *pluginv1.VRRPDiscard {
	return &pluginv1.VRRPDiscard{Reason: d.Reason, Count: d.Count, Last: text(d.Last)}
}

func discardIn(m *pluginv1.VRRPDiscard) VRRPDiscard {
	return VRRPDiscard{Reason: m.GetReason(), Count: m.GetCount(), Last: text(m.GetLast())}
}
