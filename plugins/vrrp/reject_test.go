package vrrp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"github.com/evenkeel/evenkeel/plugins/vrrp/machine"
)

const message = 20 // where VRRP begins behind an IPv4 header without options

// sum writes the checksum of a message without a pseudo-header.
func sum(packet []byte) []byte {
	m := packet[message:]
	m[6], m[7] = 0, 0
	var s uint32
	for n := 0; n+1 < len(m); n += 2 {
		s += uint32(binary.BigEndian.Uint16(m[n:]))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	binary.BigEndian.PutUint16(m[6:], ^uint16(s))
	return packet
}

// with sets a byte of the message, and the checksum.
func with(at int, b byte) func([]byte) []byte {
	return func(p []byte) []byte {
		p[message+at] = b
		return sum(p)
	}
}

// A wrong advert, and what is wrong.
type wrong struct {
	name   string
	reason advert.Reason
	spoil  func([]byte) []byte
	router func(*advert.Params) // the sender's, when a right packet of another speaker is what is wrong
}

var wrongs = map[string][]wrong{
	"version 3": {
		{name: "a TTL of 254", reason: advert.TTL, spoil: func(p []byte) []byte { p[8] = 254; return p }},
		{name: "a TTL of 1", reason: advert.TTL, spoil: func(p []byte) []byte { p[8] = 1; return p }},
		{name: "version 2", reason: advert.Version, router: func(p *advert.Params) { p.Version, p.Interval = 2, 10*time.Second }},
		{name: "version 4", reason: advert.Version, spoil: with(0, 0x41)},
		{name: "type 2", reason: advert.Type, spoil: with(0, 0x32)},
		{name: "a wrong checksum", reason: advert.Checksum, spoil: func(p []byte) []byte { p[message+7]++; return p }},
		{name: "a header that is cut off", reason: advert.Truncated, spoil: func(p []byte) []byte { return p[:message+5] }},
		{name: "an address that is cut off", reason: advert.Truncated, spoil: func(p []byte) []byte { return sum(p[:len(p)-2]) }},
		{name: "more addresses than it says", reason: advert.Length, spoil: func(p []byte) []byte { return sum(append(p, 1, 2, 3, 4)) }},
		{name: "no address", reason: advert.Count, spoil: func(p []byte) []byte { return with(3, 0)(p[:message+8]) }},
		{name: "an interval of 0", reason: advert.Interval, spoil: func(p []byte) []byte { return with(5, 0)(with(4, 0)(p)) }},
	},
	"version 2": {
		{name: "another interval", reason: advert.Interval, router: func(p *advert.Params) { p.Interval = 9 * time.Second }},
		{name: "a password", reason: advert.AuthenticationType, router: func(p *advert.Params) { p.Authentication, p.Password = advert.Password, "secret" }},
		{name: "version 3", reason: advert.Version, router: func(p *advert.Params) { p.Version = 3 }},
	},
	"version 2 with PASS": {
		{name: "no password", reason: advert.AuthenticationType, router: func(p *advert.Params) { p.Authentication = advert.None }},
		{name: "another password", reason: advert.WrongPassword, router: func(p *advert.Params) { p.Password = "Secret" }},
		{name: "an authentication header", reason: advert.AHUnexpected, router: func(p *advert.Params) { p.Authentication = advert.AH }},
	},
	"version 2 with AH": {
		{name: "no header", reason: advert.AHMissing, router: func(p *advert.Params) { p.Authentication = advert.None }},
		{name: "another key", reason: advert.ICV, router: func(p *advert.Params) { p.Password = "Secret" }},
		{name: "a header that was changed on its way", reason: advert.ICV, spoil: func(p []byte) []byte { p[message+4]++; return p }},
	},
	"unicast": {
		{name: "a stranger", reason: advert.NotPeer, spoil: func(p []byte) []byte { p[15] = 3; return p }},
	},
}

// speaking changes an instance and the test's router to what a list of wrong adverts is about.
func speaking(speech string) (func(*sdk.VRRPInstance), func(*advert.Params)) {
	return func(v *sdk.VRRPInstance) {
			v.AdvertInterval = 10 * time.Second // no timer runs while the test does
			switch speech {
			case "version 2":
				v.Version = 2
			case "version 2 with PASS":
				v.Version, v.Authentication = 2, sdk.VRRPAuthentication{Type: "pass", Password: "secret"}
			case "version 2 with AH":
				v.Version, v.Authentication = 2, sdk.VRRPAuthentication{Type: "ah", Password: "secret"}
			case "unicast":
				v.UnicastPeers = []netip.Addr{peer}
			}
		}, func(p *advert.Params) {
			p.Interval = 10 * time.Second
			switch speech {
			case "version 2":
				p.Version = 2
			case "version 2 with PASS":
				p.Version, p.Authentication, p.Password = 2, advert.Password, "secret"
			case "version 2 with AH":
				p.Version, p.Authentication, p.Password = 2, advert.AH, "secret"
				p.Sequence = advert.StartSequence(time.Now())
			case "unicast":
				p.Peers = []advert.Peer{{Address: own}}
			}
		}
}

// A picture is all that an advert can change.
type picture struct {
	state  machine.State
	next   time.Duration
	status machine.Status
}

// picture takes one, on the loop's thread.
func (s *segment) picture(p *plugin) (pic picture) {
	s.t.Helper()
	if err := p.loop.do(s.t.Context(), func() error {
		pic.next, _ = p.loop.router.Next()
		pic.status = p.loop.instances[0].machine.Status()
		pic.state = pic.status.State
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return pic
}

func TestNSAWrongAdvertChangesNothingAndIsCounted(t *testing.T) {
	for speech, list := range wrongs {
		for state, priority := range map[sdk.VRRPState]uint8{sdk.VRRPBackup: 100, sdk.VRRPMaster: machine.Owner} {
			t.Run(speech+"/"+string(state), func(t *testing.T) {
				here, there := speaking(speech)
				s := newSegment(t)
				p := s.plugin()
				s.apply(p, virtualRouter(here, func(v *sdk.VRRPInstance) { v.Priority = priority }))
				s.becomes(p, "VI_1", state)
				if state == sdk.VRRPBackup { // so that there is a master to lose
					r := s.router(there)
					r.say(r.packet(200))
					s.until("the master is heard", func() bool { return s.status(p, "VI_1").MasterPriority == 200 })
				}
				for _, w := range list {
					s.rejects(p, w, there)
				}
			})
		}
	}
}

// rejects sends a wrong advert, and compares everything before and after.
func (s *segment) rejects(p *plugin, w wrong, there func(*advert.Params)) {
	s.t.Helper()
	speaker := there
	if w.router != nil {
		speaker = func(q *advert.Params) { there(q); w.router(q) }
	}
	r := s.router(speaker)
	before, counted := s.picture(p), count(s.status(p, "VI_1"), w.reason)
	packet := r.packet(254)
	if w.spoil != nil {
		packet = w.spoil(packet)
	}
	r.say(packet)
	s.until(w.name+" is counted as "+w.reason.String(), func() bool { return count(s.status(p, "VI_1"), w.reason) == counted+1 })
	if after := s.picture(p); after != before {
		s.t.Errorf("%s: it was %+v and is %+v", w.name, before, after)
	}
}

// count returns how many adverts were discarded for a reason.
func count(is sdk.VRRPInstanceStatus, r advert.Reason) uint64 {
	i := slices.IndexFunc(is.Discarded, func(d sdk.VRRPDiscard) bool { return d.Reason == r.String() })
	if i < 0 {
		return 0
	}
	return is.Discarded[i].Count
}

func TestNSAnAdvertThatComesAgainIsARecording(t *testing.T) {
	here, there := speaking("version 2 with AH")
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(here))
	r := s.router(there)
	packet := r.packet(200)
	r.say(packet)
	s.until("it is heard", func() bool { return s.status(p, "VI_1").MasterPriority == 200 })
	before := s.picture(p)
	r.say(packet)
	s.until("the recording is counted", func() bool { return count(s.status(p, "VI_1"), advert.Replay) == 1 })
	if after := s.picture(p); after != before {
		t.Errorf("it was %+v and is %+v", before, after)
	}
}

func TestNSForeignAdvertsDoNotEvenReachThePlugin(t *testing.T) {
	s := newSegment(t)
	p := s.plugin()
	s.apply(p, virtualRouter(func(v *sdk.VRRPInstance) { v.AdvertInterval = 10 * time.Second }))
	r := s.router()
	foreign := s.router(func(q *advert.Params) { q.VRID = 52 })
	before := s.picture(p)
	for range 10 {
		foreign.say(foreign.packet(254))
	}
	r.say(sum(r.packet(200))) // they come in their order: this is behind them
	s.until("ours is heard", func() bool { return s.status(p, "VI_1").AdvertsReceived == 1 })
	st, err := p.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Unknown != 0 || len(st.Instances[0].Discarded) != 0 || before.state != machine.Backup {
		t.Errorf("foreign adverts reached the plugin: %+v", st)
	}
}
