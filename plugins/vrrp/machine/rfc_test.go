package machine

import (
	"testing"
	"time"
)

const (
	skew100   = 156 * time.Second / 256 // Skew_Time at priority 100 and 1 s, in both versions
	down100   = 3*time.Second + skew100 // Master_Down_Interval
	tookOver  = "VI_1 backup -> master: master not heard"
	yieldHigh = "VI_1 master -> backup: advert with a higher priority (192.0.2.9)"
	yieldTie  = "VI_1 master -> backup: advert with the same priority from a higher address (192.0.2.200)"
)

// Each case is a line of RFC 9568 section 6.4, with its words; version 2 (RFC 3768 section 6.4) says the same in other
// names unless a case is named after it. ("Active" is Master here.)
func TestRFC9568Section64(t *testing.T) {
	version2 := func(c *Config) { c.Version = 2 }
	for _, v := range []struct {
		name    string
		version func(*Config)
	}{{"version 3", func(*Config) {}}, {"version 2", version2}} {
		t.Run(v.name, func(t *testing.T) {
			for _, line := range stateTables {
				t.Run(line.section+" "+line.quote, func(t *testing.T) { line.check(t, v.version) })
			}
		})
	}
}

var stateTables = []struct {
	section, quote string
	check          func(*testing.T, func(*Config))
}{
	{"6.4.1", "if the Priority = 255: send an ADVERTISEMENT, broadcast a gratuitous ARP, set the Adver_Timer to Advertisement_Interval, transition to Active",
		func(t *testing.T, v func(*Config)) {
			g, got := configured(t, config(v, func(c *Config) { c.Priority = 255 }))
			same(t, got, "VI_1 advert 255", "VI_1 add addresses", "VI_1 announce 5", "VI_1 initialize -> master: owner of the addresses")
			same(t, g.after(time.Second-1))
			same(t, g.after(1), "VI_1 advert 255")
		}},
	{"6.4.1", "else: set Active_Adver_Interval to Advertisement_Interval, set the Active_Down_Timer to Active_Down_Interval, transition to Backup",
		func(t *testing.T, v func(*Config)) {
			g, got := configured(t, config(v))
			same(t, got, "VI_1 initialize -> backup: started")
			g.takesOverAfter(down100)
		}},
	{"6.4.2", "if a Shutdown event is received: cancel the Active_Down_Timer, transition to Initialize",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v))
			same(t, told(g.r.Stop(g.now, nil)), "VI_1 backup -> initialize: stopped")
			same(t, g.after(time.Hour))
		}},
	{"6.4.2", "if the Active_Down_Timer fires: send an ADVERTISEMENT, broadcast a gratuitous ARP, set the Adver_Timer to Advertisement_Interval, transition to Active",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v))
			same(t, g.after(down100), "VI_1 advert 100", "VI_1 add addresses", "VI_1 announce 5", tookOver)
			same(t, g.after(time.Second-1))
			same(t, g.after(1), "VI_1 advert 100")
		}},
	{"6.4.2", "if the Priority in the ADVERTISEMENT is 0: set the Active_Down_Timer to Skew_Time",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v))
			same(t, g.hears(0, lower))
			g.takesOverAfter(skew100)
		}},
	{"6.4.2", "if Preempt_Mode is False: set the Active_Down_Timer to Active_Down_Interval",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v, func(c *Config) { c.Preempt = false }))
			g.after(3 * time.Second)
			same(t, g.hears(1, lower))
			g.takesOverAfter(down100)
		}},
	{"6.4.2", "or if the Priority in the ADVERTISEMENT is greater than or equal to the local Priority: set the Active_Down_Timer to Active_Down_Interval",
		func(t *testing.T, v func(*Config)) {
			for _, p := range []uint8{100, 101, 255} {
				g := backup(t, config(v))
				g.after(3 * time.Second)
				same(t, g.hears(p, lower))
				g.takesOverAfter(down100)
			}
		}},
	{"6.4.2", "else (preempt was true and priority was less): discard the ADVERTISEMENT",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v))
			g.after(3 * time.Second)
			same(t, g.hears(99, higher))
			g.takesOverAfter(skew100)
		}},
	{"6.1", "the router that owns the address always preempts, independent of the setting of Preempt_Mode",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v, func(c *Config) { c.Priority, c.Preempt, c.StartupDelay = 255, false, time.Nanosecond }))
			g.after(3 * time.Second)
			same(t, g.hears(254, higher))
			g.takesOverAfter(time.Second/256 + 1)
		}},
	{"6.4.3", "if a Shutdown event is received: cancel the Adver_Timer, send an ADVERTISEMENT with Priority = 0, transition to Initialize",
		func(t *testing.T, v func(*Config)) {
			g := master(t, config(v))
			same(t, told(g.r.Stop(g.now, nil)), "VI_1 advert 0", "VI_1 remove addresses", "VI_1 master -> initialize: stopped")
			same(t, g.after(time.Hour))
		}},
	{"6.4.3", "if the Adver_Timer fires: send an ADVERTISEMENT, reset the Adver_Timer to Advertisement_Interval",
		func(t *testing.T, v func(*Config)) {
			g := master(t, config(v))
			same(t, g.after(3*time.Second), "VI_1 advert 100", "VI_1 advert 100", "VI_1 advert 100")
		}},
	{"6.4.3", "if the Priority in the ADVERTISEMENT is 0: send an ADVERTISEMENT, reset the Adver_Timer to Advertisement_Interval",
		func(t *testing.T, v func(*Config)) {
			g := backup(t, config(v))
			g.after(down100 + time.Second/2)
			same(t, g.hears(0, higher), "VI_1 advert 100")
			same(t, g.after(time.Second-1))
			same(t, g.after(1), "VI_1 advert 100")
		}},
	// The advert before each of the next two transitions is the machine's own, see the package's doc.
	{"6.4.3", "if the Priority is greater than the local Priority: cancel Adver_Timer, set the Active_Down_Timer to Active_Down_Interval, transition to Backup",
		func(t *testing.T, v func(*Config)) {
			g := master(t, config(v))
			same(t, g.hears(101, lower), "VI_1 remove addresses", "VI_1 advert 100", yieldHigh)
			g.takesOverAfter(down100)
		}},
	{"6.4.3", "or the Priority is equal and the primary address of the sender is greater (unsigned, in network byte order): transition to Backup",
		func(t *testing.T, v func(*Config)) {
			g := master(t, config(v))
			same(t, g.hears(100, higher), "VI_1 remove addresses", "VI_1 advert 100", yieldTie)
			g.takesOverAfter(down100)
		}},
	{"6.4.3", "else: discard the ADVERTISEMENT, send an ADVERTISEMENT immediately to assert the Active state",
		func(t *testing.T, v func(*Config)) {
			for _, a := range []Advert{{lower, 100, time.Second}, {higher, 99, time.Second}, {higher, 1, time.Second}} {
				g := backup(t, config(v))
				g.after(down100 + time.Second/2)
				got := g.hearsAt("VI_1", a)
				if len(got) == 0 || got[0] != "VI_1 advert 100" {
					t.Fatalf("%v got no answer but %v", a, got)
				}
				g.in(Master)
				same(t, g.after(time.Second/2-1))
				same(t, g.after(1), "VI_1 advert 100")
			}
		}},
}

func TestAVersion3BackupTakesTheMastersInterval(t *testing.T) {
	g := backup(t, config())
	g.hearsAt("VI_1", Advert{lower, 150, 4 * time.Second})
	g.takesOverAfter(12*time.Second + 4*skew100)
	same(t, g.after(time.Second), "VI_1 advert 100") // its own again as a master

	g.hearsAt("VI_1", Advert{lower, 150, 4 * time.Second})
	g.hearsAt("VI_1", Advert{lower, 0, 4 * time.Second})
	g.takesOverAfter(4 * skew100)
}

func TestAVersion3BackupDoesNotTakeTheIntervalOfADiscardedAdvert(t *testing.T) {
	g := backup(t, config())
	g.hearsAt("VI_1", Advert{lower, 50, 4 * time.Second})
	g.hearsAt("VI_1", Advert{lower, 0, 4 * time.Second})
	g.takesOverAfter(skew100)
}

func TestAVersion2BackupKeepsItsInterval(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.Version = 2 }))
	g.hearsAt("VI_1", Advert{lower, 150, 0})
	g.takesOverAfter(down100)
	g.hearsAt("VI_1", Advert{lower, 150, 5 * time.Second})
	g.takesOverAfter(down100)
}

func TestVersion2SkewDoesNotDependOnTheInterval(t *testing.T) {
	g := backup(t, config(func(c *Config) { c.Version, c.AdvertInterval = 2, 10*time.Second }))
	g.takesOverAfter(30*time.Second + skew100)
}

// The times that keepalived 2.2.7 needed between two hosts, priority 150 against 100, in seconds; it adds 0.1 to 0.3 ms.
func TestTakeOverTimesAreThoseMeasuredAtKeepalived(t *testing.T) {
	for _, c := range []struct {
		name     string
		version  uint8
		interval time.Duration
		killed   bool
		measured time.Duration
	}{
		{"SIGTERM, version 2 at 1 s", 2, time.Second, false, 609600 * time.Microsecond},
		{"SIGKILL, version 2 at 1 s", 2, time.Second, true, 3609500 * time.Microsecond},
		{"SIGTERM, version 3 at 100 ms", 3, 100 * time.Millisecond, false, 61000 * time.Microsecond},
		{"SIGKILL, version 3 at 100 ms", 3, 100 * time.Millisecond, true, 361100 * time.Microsecond},
		{"SIGKILL, version 3 at 10 ms", 3, 10 * time.Millisecond, true, 36200 * time.Microsecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := backup(t, config(func(k *Config) { k.Version, k.AdvertInterval = c.version, c.interval }))
			g.hearsAt("VI_1", Advert{lower, 150, c.interval})
			if !c.killed {
				g.hearsAt("VI_1", Advert{lower, 0, c.interval})
			}
			began := g.now
			next, _ := g.r.Next()
			if took := next - began; took > c.measured || took < c.measured-500*time.Microsecond {
				t.Errorf("takes over after %v, keepalived after %v", took, c.measured)
			}
		})
	}
}
