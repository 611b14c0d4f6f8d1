package advert

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// FuzzParse feeds any bytes to a receiver of each kind. Nothing panics, what is refused moves no sequence number, and what
// is accepted is what a sender with the same parameters would have sent.
func FuzzParse(f *testing.F) {
	for i, v := range vectors(f) {
		for _, p := range v.packets {
			f.Add(uint8(i), uint8(255), p)
		}
	}
	all := vectors(f)
	f.Fuzz(func(t *testing.T, kind, ttl uint8, packet []byte) {
		v := all[int(kind)%len(all)]
		m := v.meta()
		m.TTL = ttl
		r := v.receiver(t)
		before := bytes.Clone(packet)
		VRID(packet, v.params.Source.Is6())
		got, reason := r.Parse(packet, m)
		if !bytes.Equal(before, packet) {
			t.Fatal("the packet was written to")
		}
		if reason != Accepted {
			if r.Sequence() != 0 || got != (Advert{}) {
				t.Fatalf("%v, and yet %+v, sequence %d", reason, got, r.Sequence())
			}
			return
		}
		var e envelope
		e.open(packet, m, v.params.Source.Is6())
		if want := remarshal(t, v.params, &e, got); !bytes.Equal(want, normal(e.message, v.params)) {
			t.Fatalf("accepted\n%x, a sender would have sent\n%x", e.message, want)
		}
	})
}

// remarshal returns the message that would say what was accepted, with its checksum at zero.
func remarshal(t *testing.T, p Params, e *envelope, a Advert) []byte {
	t.Helper()
	p.Source, p.Interval, p.Addresses, p.Peers = a.Source, a.Interval, nil, nil
	size := p.Source.BitLen() / 8
	for i := range a.Count {
		address, _ := netip.AddrFromSlice(e.message[fixedSize+i*size : fixedSize+(i+1)*size])
		p.Addresses = append(p.Addresses, address)
	}
	f := format(t, p)
	b := f.Append(nil, a.Priority, e.Destination)
	return normal(b[f.message:], p)
}

// normal returns a message without what a receiver ignores: version 3's reserved bits, version 2's authentication data where
// there is none, and the checksum, of which there are two and which was verified.
func normal(m []byte, p Params) []byte {
	m = bytes.Clone(m)
	binary.BigEndian.PutUint16(m[6:], 0)
	switch {
	case p.Version == 3:
		m[4] &= 0xf
	case p.Authentication != Password:
		clear(m[len(m)-passwordSize:])
	}
	return m
}
