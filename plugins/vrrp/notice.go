package vrrp

import (
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A noticeKey is what makes two notices of an instance the same.
type noticeKey struct{ kind, subject string }

// notice tells of something that is wrong, unless it is known. The core makes an event of it, which is logged.
func (l *loop) notice(i *instance, kind, subject, text string) {
	k := noticeKey{kind, subject}
	if _, ok := i.notices[k]; ok {
		return
	}
	if i.notices == nil {
		i.notices = map[noticeKey]sdk.VRRPNotice{}
	}
	n := sdk.VRRPNotice{Instance: i.spec.Name, Kind: kind, Subject: subject, Text: text, Time: time.Now()}
	i.notices[k] = n
	l.log.Debug(text, "instance", i.spec.Name)
	l.report(sdk.VRRPReport{Notices: []sdk.VRRPNotice{n}})
}

// endNotice tells that it is over, if it was there.
func (l *loop) endNotice(i *instance, kind, subject string) {
	k := noticeKey{kind, subject}
	over, ok := i.notices[k]
	if !ok {
		return
	}
	delete(i.notices, k)
	over.Ended, over.Time = true, time.Now()
	l.log.Debug("over: "+over.Text, "instance", i.spec.Name)
	l.report(sdk.VRRPReport{Notices: []sdk.VRRPNotice{over}})
}

// endNotices ends all of a kind.
func (l *loop) endNotices(i *instance, kind string) {
	for _, n := range i.open() {
		if n.Kind == kind {
			l.endNotice(i, n.Kind, n.Subject)
		}
	}
}
