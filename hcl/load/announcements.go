package load

import (
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// The defaults of gratuitous ARPs and unsolicited neighbor advertisements are keepalived's.
var defaultAnnouncements = config.Announcements{Repeat: 5, Delay: 5 * time.Second, RefreshRepeat: 1}

// The bounds of what is announced: a day, and a number that nobody needs.
const (
	longestAnnouncement  = 24 * time.Hour
	greatestAnnouncement = 1000
)

// announcements reads the garp_ and gna_ attributes. What is sent when a lower priority was heard is as much as a new
// master sends, unless it is written.
func (l *loader) announcements(v *config.VRRPInstance, body *schema.Content) {
	n := &v.Announcements
	*n = defaultAnnouncements
	l.announcementCount(body.Attr("garp_master_repeat"), &n.Repeat)
	l.announcementTime(body.Attr("garp_master_delay"), &n.Delay)
	n.LowerPriorityRepeat, n.LowerPriorityDelay = n.Repeat, n.Delay
	l.announcementCount(body.Attr("garp_lower_prio_repeat"), &n.LowerPriorityRepeat)
	l.announcementTime(body.Attr("garp_lower_prio_delay"), &n.LowerPriorityDelay)
	l.announcementTime(body.Attr("garp_master_refresh"), &n.Refresh)
	l.announcementCount(body.Attr("garp_master_refresh_repeat"), &n.RefreshRepeat)
	l.announcementTime(body.Attr("garp_interval"), &n.ARPInterval)
	l.announcementTime(body.Attr("gna_interval"), &n.NAInterval)
}

func (l *loader) announcementCount(a schema.Attr, to *int) {
	if n, ok := l.r.Int(a, 0, greatestAnnouncement); ok {
		*to = int(n)
	}
}

func (l *loader) announcementTime(a schema.Attr, to *time.Duration) {
	if d, ok := l.duration(a, 0, longestAnnouncement); ok {
		*to = d
	}
}
