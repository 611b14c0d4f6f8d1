package wire

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/vrrp/advert"
	"golang.org/x/sys/unix"
)

// onPair returns a Socket that reads from one end of a pair of ordinary sockets, as if it were raw, and the other end.
func onPair(t testing.TB, group netip.Addr) (s *Socket, other int) {
	t.Helper()
	a, b := datagrams(t)
	s = &Socket{key: Key{Index: 1, Address: group}, fd: b}
	s.in.prepare(map[bool]int{false: unix.AF_INET, true: unix.AF_INET6}[group.Is6()])
	return s, a
}

func TestAllThatWaitsIsReceivedInItsOrder(t *testing.T) {
	s, other := onPair(t, advert.Group(false))
	if got, err := s.Receive(); len(got) != 0 || err != nil {
		t.Errorf("from nobody: %v, %v", got, err)
	}
	kind := kinds["IPv4"]
	for vrid := range 20 {
		p := packetOf(t, kind.params, uint8(vrid+1))
		say(t, other, string(p[:len(p)-vrid%2])) // of different lengths
	}
	next := 0
	for {
		got, err := s.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		for _, p := range got {
			if want := packetOf(t, kind.params, uint8(next+1)); !bytes.Equal(p.Data, want[:len(want)-next%2]) {
				t.Errorf("packet %d is %x, want %x", next, p.Data, want)
			}
			if want := (advert.Meta{Source: kind.params.Source, Destination: advert.Group(false)}); p.Source != want.Source || p.Destination != want.Destination || p.TTL != 255 {
				t.Errorf("packet %d came %v", next, p.Meta)
			}
			next++
		}
	}
	if next != 20 {
		t.Errorf("of 20 packets %d were received", next)
	}
}

func TestTheLongestAdvertHasRoom(t *testing.T) {
	p := kinds["IPv6"].params
	p.Addresses = nil
	for a := netip.MustParseAddr("2001:db8::1"); len(p.Addresses) < 255; a = a.Next() {
		p.Addresses = append(p.Addresses, a)
	}
	want := packetOf(t, p, 51)
	if len(want) != advert.MaxSize {
		t.Errorf("it has %d bytes, and MaxSize says %d", len(want), advert.MaxSize)
	}
	s, other := onPair(t, advert.Group(true))
	say(t, other, string(want))
	if got, err := s.Receive(); err != nil || len(got) != 1 || !bytes.Equal(got[0].Data, want) {
		t.Errorf("%d packets, %v", len(got), err)
	}
}

// FuzzReceive sends any bytes to a socket, and what comes out of it through a receiver: nothing panics, the bytes come out
// as they went in up to the room there is, and a good advert behind them is still heard.
func FuzzReceive(f *testing.F) {
	for _, name := range []string{"IPv4", "AH", "IPv6"} {
		p := kinds[name].params
		p.VRID, p.Interval = 51, time.Second
		format, err := advert.New(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Source.Is6(), format.Append(nil, 100, advert.Group(p.Source.Is6())))
	}
	f.Fuzz(func(t *testing.T, ipv6 bool, data []byte) {
		s, other := onPair(t, advert.Group(ipv6))
		kind := kinds[map[bool]string{false: "IPv4", true: "IPv6"}[ipv6]]
		good := packetOf(t, kind.params, 51)
		if len(data) > 60000 {
			return // more than the pair of sockets takes
		}
		say(t, other, string(data))
		say(t, other, string(good))
		p := kind.params
		p.VRID, p.Interval, p.Source = 51, time.Second, p.Source.Next()
		receiver, err := advert.New(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Receive()
		if err != nil || len(got) != 2 {
			t.Fatalf("%d packets, %v", len(got), err)
		}
		if !bytes.Equal(got[0].Data, data[:min(len(data), room)]) {
			t.Fatalf("%x came out as %x", data, got[0].Data)
		}
		receiver.Parse(got[0].Data, got[0].Meta)
		m := got[1].Meta
		if ipv6 { // the pair of sockets knows no addresses
			m = advert.Meta{Source: kind.params.Source, Destination: advert.Group(true), TTL: 255}
		}
		if _, reason := receiver.Parse(got[1].Data, m); reason != advert.Accepted {
			t.Fatalf("a good advert after %x: %v", data, reason)
		}
	})
}
