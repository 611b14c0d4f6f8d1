package machine

import (
	"testing"
	"time"
)

func TestASecondSetFollowsTheFirst(t *testing.T) {
	g := backup(t, config())
	g.after(down100)
	same(t, withoutAdverts(g.after(5*time.Second-1)))
	same(t, withoutAdverts(g.after(1)), "VI_1 announce 5")
	same(t, withoutAdverts(g.after(time.Hour)))

	g = backup(t, config(func(c *Config) { c.Announce.Delay = 0 }))
	g.after(down100)
	same(t, withoutAdverts(g.after(time.Hour)))
}

func TestNothingIsAnnouncedAfterTheRoleIsGone(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.Announce.Refresh, c.Announce.RefreshRepeat, c.Released = time.Second, 1, false }))
	g.after(down100)
	g.hears(150, lower)
	for range 10 {
		g.hears(150, lower)
		same(t, g.after(time.Second))
	}
}

func TestRefreshAnnouncesAgainAndAgain(t *testing.T) {
	refreshed := func(d time.Duration) Config {
		return config(func(c *Config) { c.Announce = AnnounceConfig{Refresh: d, RefreshRepeat: 3} })
	}
	g := backup(t, refreshed(10*time.Second))
	g.after(down100)
	same(t, withoutAdverts(g.after(10*time.Second-1)))
	same(t, withoutAdverts(g.after(1)), "VI_1 announce 3")
	same(t, withoutAdverts(g.after(20*time.Second)), "VI_1 announce 3", "VI_1 announce 3")
	g.after(9 * time.Second)
	g.configure(refreshed(10 * time.Second))
	same(t, withoutAdverts(g.after(time.Second)), "VI_1 announce 3")
	g.configure(refreshed(0))
	same(t, withoutAdverts(g.after(time.Hour)))
	g.configure(refreshed(time.Minute))
	same(t, withoutAdverts(g.after(time.Minute)), "VI_1 announce 3")
}

func TestNoPacketsAreNoAnnouncement(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.Announce = AnnounceConfig{Delay: time.Second} }))
	same(t, g.after(down100), "VI_1 advert 100", "VI_1 add addresses", tookOver)
	same(t, withoutAdverts(g.after(time.Minute)))
}
