package advert

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

// cluster returns two routers that use AH, with the sequence numbers that they start from.
func cluster(t *testing.T, a, b uint32) (fa, fb *Format) {
	t.Helper()
	p := vectorNamed(t, "v2-ah").params
	p.Sequence = a
	q := from(p, "192.0.2.2")
	q.Sequence = b
	return format(t, p), format(t, q)
}

func TestThereIsAHOnBothSidesOrOnNone(t *testing.T) {
	p := vectorNamed(t, "v2-ah").params
	none := from(p, "192.0.2.2")
	none.Authentication = None
	ah, plain := format(t, p), format(t, none)
	if _, r := pass(ah, plain, 100); r != AHUnexpected {
		t.Errorf("with AH to one without: %v", r)
	}
	if _, r := pass(plain, ah, 100); r != AHMissing {
		t.Errorf("without AH to one with it: %v", r)
	}
}

func TestAnotherPasswordIsAnotherCheckValue(t *testing.T) {
	p := vectorNamed(t, "v2-ah").params
	q := from(p, "192.0.2.2")
	q.Password = "Secret"
	if _, r := pass(format(t, p), format(t, q), 100); r != ICV {
		t.Errorf("%v", r)
	}
}

func TestAPacketThatIsSentAgainIsRefused(t *testing.T) {
	v := vectorNamed(t, "v2-ah")
	f := v.receiver(t)
	for i, c := range []struct {
		packet int
		want   Reason
	}{{0, Accepted}, {0, Replay}, {1, Accepted}, {1, Replay}, {0, Replay}} {
		if _, r := f.Parse(v.packets[c.packet], v.meta()); r != c.want {
			t.Errorf("packet %d, as the %dth: %v, want %v", c.packet, i+1, r, c.want)
		}
	}
}

func TestWhatWeSentOurselvesIsNotNewEither(t *testing.T) {
	a, b := cluster(t, 100, 0)
	a.Append(nil, 100, Group(false))
	b.sequence = 100
	if _, r := pass(b, a, 100); r != Replay {
		t.Errorf("%v", r)
	}
}

func TestWhoTakesOverGoesOnCounting(t *testing.T) {
	a, b := cluster(t, 100, 0)
	if _, r := pass(a, b, 200); r != Accepted || b.Sequence() != 101 {
		t.Fatalf("%v, sequence %d", r, b.Sequence())
	}
	if _, r := pass(b, a, 100); r != Accepted || a.Sequence() != 102 {
		t.Errorf("%v, sequence %d", r, a.Sequence())
	}
}

func TestARestartedRouterComesBack(t *testing.T) {
	// It listens first, and so knows the count.
	master, restarted := cluster(t, 5000, 0)
	if _, r := pass(master, restarted, 100); r != Accepted {
		t.Fatalf("it does not hear the master: %v", r)
	}
	if _, r := pass(restarted, master, 200); r != Accepted {
		t.Errorf("the master does not hear it: %v", r)
	}
	// It is master at once. Nobody hears it; the other takes over, is heard, and from then on so is it.
	other, hasty := cluster(t, 5000, 0)
	if _, r := pass(hasty, other, 255); r != Replay {
		t.Fatalf("the other hears it with an old number: %v", r)
	}
	if _, r := pass(other, hasty, 100); r != Accepted {
		t.Fatalf("it does not hear the other: %v", r)
	}
	if _, r := pass(hasty, other, 255); r != Accepted {
		t.Errorf("the other does not hear it after that: %v", r)
	}
}

func TestCountingStartsAtTheTime(t *testing.T) {
	boot := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	a, b := cluster(t, StartSequence(boot), StartSequence(boot))
	for range 60 { // a minute of adverts
		pass(a, b, 100)
	}
	again, _ := cluster(t, StartSequence(boot.Add(61*time.Second)), 0)
	if _, r := pass(again, b, 255); r != Accepted {
		t.Errorf("after a restart: %v", r)
	}
	for clock, want := range map[int64]uint32{-5: 0, 0: 0, 1 << 40: lastSequence} {
		if got := StartSequence(time.Unix(clock, 0)); got != want {
			t.Errorf("a clock that says %d starts at %d, want %d", clock, got, want)
		}
	}
}

func TestTheSequenceNumberDoesNotWrap(t *testing.T) {
	f, _ := cluster(t, lastSequence-1, 0)
	for range 2 {
		p := f.Append(nil, 100, Group(false))
		if got := binary.BigEndian.Uint32(p[ipv4Size+8:]); got != lastSequence {
			t.Errorf("the sequence number is %#x", got)
		}
	}
}

func TestTheIdentificationIsNeverZero(t *testing.T) {
	f, _ := cluster(t, 0, 0)
	for range 1 << 16 {
		if p := f.Append(nil, 100, Group(false)); p[4] == 0 && p[5] == 0 {
			t.Fatal("the kernel would replace an identification of 0, and the check value would be wrong")
		}
	}
}

func TestARouterOnTheWayMayChangeWhatItChanges(t *testing.T) {
	v := vectorNamed(t, "v2-ah-unicast")
	p := slices.Clone(v.packets[0])
	p[1], p[ttlAt], p[10], p[11] = 0, 61, 0xff, 0xff // type of service, TTL, header checksum
	if _, r := v.receiver(t).Parse(p, v.meta()); r != Accepted {
		t.Errorf("%v", r)
	}
}
