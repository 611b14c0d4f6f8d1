package vrrp

import (
	"context"
	"errors"
	"sync"
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
	for k := range i.notices {
		if k.kind == kind {
			l.endNotice(i, k.kind, k.subject)
		}
	}
}

// A watcher is somebody who is told what happens. The loop never waits for one: what is not yet delivered is queued.
type watcher struct {
	mu    sync.Mutex
	queue []sdk.VRRPReport
	more  chan struct{}
	over  bool
}

// watch returns a watcher that is told of everything from now on, the state of everything first.
func (l *loop) watch() *watcher {
	w := &watcher{more: make(chan struct{}, 1)}
	w.tell(l.snapshot())
	l.watchers = append(l.watchers, w)
	return w
}

// report tells all watchers.
func (l *loop) report(r sdk.VRRPReport) {
	keep := l.watchers[:0]
	for _, w := range l.watchers {
		if w.tell(r) {
			keep = append(keep, w)
		}
	}
	l.watchers = keep
}

// tell queues a report, and says whether anybody is there still.
func (w *watcher) tell(r sdk.VRRPReport) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	w.queue = append(w.queue, r)
	select {
	case w.more <- struct{}{}:
	default:
	}
	return true
}

// end has the loop forget it.
func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over, w.queue = true, nil
}

// errStopped is what a watch ends with when the plugin stops.
var errStopped = errors.New("the vrrp plugin has stopped")

// deliver calls report with what is told, until ctx or the loop ends; what the loop said last is delivered still.
func (w *watcher) deliver(ctx context.Context, ended <-chan struct{}, report func(sdk.VRRPReport)) error {
	for {
		var err error
		select {
		case <-w.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ended:
			err = errStopped
		}
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, r := range queue {
			report(r)
		}
		if err != nil {
			return err
		}
	}
}
