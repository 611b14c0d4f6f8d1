package vrrp

import (
	"fmt"
	"net"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/conflict"
	"github.com/evenkeel/evenkeel/plugins/vrrp/wire"
)

// quiet is how long another claim to one of our addresses must not be heard to be over. Who uses an address says so again
// when his neighbors look for him, which they do every minute or so (RFC 4861 section 7.3.3, arp(7)).
const quiet = 90 * time.Second

// claimLasts is how long a claim must go on to be told of: a better master announces the addresses just before it says that it is
// one.
const claimLasts = time.Second

// claimsMost is how many other claims are known at once: whoever makes up hardware addresses makes no more of them.
const claimsMost = 64

// A claimSource has the loop hear who else claims an address that is held here.
type claimSource struct{ *conflict.Listener }

func (c claimSource) ready(l *loop, now time.Duration) {
	claims, err := c.Read(l.claims[:0])
	l.claims = claims
	if err != nil {
		l.log.Error("listening for other claims to our addresses", "error", err)
	}
	for _, claim := range claims {
		if l.holder(claim) != nil {
			l.ledger.Heard(now, claim)
		}
	}
}

// subject is what makes two claims the same in a notice.
func subject(c conflict.Conflict) string {
	return c.Address.String() + " " + net.HardwareAddr(c.Hardware[:]).String()
}

// holder returns the instance that holds what is claimed.
func (l *loop) holder(c conflict.Conflict) *instance {
	for _, i := range l.instances {
		if i.isMaster() && i.holds(c.Address) {
			return i
		}
	}
	return nil
}

// judge tells of the claims that are news, and of those that are heard no more.
func (l *loop) judge(now time.Duration) {
	if at, ok := l.ledger.Next(); !ok || at > now {
		return
	}
	for _, c := range l.ledger.News(now) {
		if i := l.holder(c); i != nil {
			mac := net.HardwareAddr(c.Hardware[:])
			l.notice(i, sdk.NoticeConflict, subject(c), fmt.Sprintf("%s on %s says that it has %s, which is held here", mac, c.Interface, c.Address))
		}
	}
	for _, c := range l.ledger.Over(now) {
		if i := l.holder(c); i != nil {
			l.endNotice(i, sdk.NoticeConflict, subject(c))
		}
	}
}

// hear says for which addresses claims are listened for: those that are held now.
func (l *loop) hear() {
	if !l.holding {
		return
	}
	l.holding = false
	var held []conflict.Held
	for _, i := range l.instances {
		if !i.isMaster() {
			continue
		}
		for _, d := range i.devices {
			if d.announcement == nil {
				continue // nobody else is there
			}
			for _, a := range d.addresses {
				held = append(held, conflict.Held{Interface: d.Name, Index: d.Index, Address: a, Hardware: d.Hardware})
			}
		}
	}
	if err := l.conflicts.Hold(held); err != nil {
		l.log.Error("listening for other claims to our addresses", "error", err)
		l.deaf = true
		l.again(wire.Now() + retryAfter)
	}
}
