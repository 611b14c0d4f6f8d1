package rtnetlink

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// equal has cmp compare addresses and prefixes by ==.
var equal = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestAnAddressIsReadAsItIsWritten(t *testing.T) {
	for _, want := range []Address{
		{Index: 7, Local: netip.MustParsePrefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.255"), Label: "eth0:1", Scope: 253, Protocol: Mark},
		{Index: 1 << 20, Local: netip.MustParsePrefix("192.0.2.1/32"), Peer: netip.MustParseAddr("192.0.2.2"), Flags: unix.IFA_F_NOPREFIXROUTE, Metric: 9},
		{Index: 7, Local: netip.MustParsePrefix("2001:db8::1/64"), Flags: unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED, Deprecated: true},
		{Index: 7, Local: netip.MustParsePrefix("2001:db8::1/128"), Peer: netip.MustParseAddr("2001:db8::2")},
	} {
		m, rest, err := next(want.Add(Create).data)
		if err != nil || len(rest) != 0 || m.Type != unix.RTM_NEWADDR || m.flags != unix.NLM_F_REQUEST|unix.NLM_F_ACK|Create {
			t.Fatalf("%+v, %d bytes are left, %v", m, len(rest), err)
		}
		got, err := ParseAddress(m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

func TestARouteIsReadAsItIsWritten(t *testing.T) {
	for _, want := range []Route{
		{Destination: netip.MustParsePrefix("198.51.100.0/24"), Gateway: netip.MustParseAddr("192.0.2.1"), Index: 3, Source: netip.MustParseAddr("192.0.2.9"), Metric: 5, Table: 1000, Protocol: Mark, Type: unix.RTN_UNICAST},
		{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.1"), Table: 254, Type: unix.RTN_UNICAST},
		{Destination: netip.MustParsePrefix("::/0"), Index: 9, Table: 254, Scope: 253, Type: unix.RTN_UNICAST},
	} {
		r := want.Add(Create)
		if r.SetIndex(77); want.Index != 0 {
			want.Index = 77
		}
		m, _, err := next(r.data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseRoute(m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

func TestARequestsInterfaceCanBeSaidLater(t *testing.T) {
	a := Address{Index: 1, Local: netip.MustParsePrefix("192.0.2.1/24")}
	b := a
	b.Index = 70000
	for i, r := range []Request{a.Add(Create), a.Delete()} {
		r.SetIndex(70000)
		if want := []Request{b.Add(Create), b.Delete()}[i]; !bytes.Equal(r.data, want.data) {
			t.Errorf("%x, want %x", r.data, want.data)
		}
	}
}

func TestAnAnswerIsTheKernelsNumberAndWords(t *testing.T) {
	answer := func(number int32, flags uint16, attributes ...byte) error {
		payload := make([]byte, 4+headerLength)
		binary.NativeEndian.PutUint32(payload, uint32(number))
		return Message{Type: unix.NLMSG_ERROR, flags: flags, Payload: append(payload, attributes...)}.answer()
	}
	if err := answer(0, 0); err != nil {
		t.Errorf("done is %v", err)
	}
	if err := answer(-int32(unix.EEXIST), 0); err != unix.EEXIST {
		t.Errorf("%v, want EEXIST", err)
	}
	text := binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, 8), unix.NLMSGERR_ATTR_MSG)
	err := answer(-int32(unix.EEXIST), unix.NLM_F_ACK_TLVS, append(text, "why\x00"...)...)
	if !errors.Is(err, unix.EEXIST) || err.Error() != "file exists (why)" {
		t.Errorf("%v, want the kernel's words too", err)
	}
	if err := (Message{Payload: []byte{1}}).answer(); err == nil {
		t.Error("an answer of one byte is success")
	}
}

func FuzzNoDatagramIsMisread(f *testing.F) {
	address := Address{Index: 7, Local: netip.MustParsePrefix("192.0.2.1/24"), Peer: netip.MustParseAddr("192.0.2.2")}
	f.Add(address.Add(Create).data)
	f.Add(Route{Destination: netip.MustParsePrefix("::/0"), Index: 9, Table: 254}.Add(Create).data)
	f.Add(AddMacvlan(Link{Name: "vrrp.1", Parent: 3, Mode: MacvlanPrivate}).data)
	f.Add(append(Set("eth0", Value{ARPIgnore, 1}).data, SetUp("eth0").data...))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		seen := 0
		_ = Each(datagram, func(m Message) {
			seen += headerLength + len(m.Payload)
			_ = m.answer()
			if l, err := ParseLink(m.Payload); err == nil && len(l.Name) > len(m.Payload) {
				t.Error("a name from nowhere")
			}
			if a, err := ParseAddress(m.Payload); err == nil && a.Local.Addr().IsValid() && len(m.Payload) < addressFixed+attributeHeader+4 {
				t.Error("an address from nowhere")
			}
			_, _ = ParseRoute(m.Payload)
		})
		if seen > len(datagram) {
			t.Errorf("%d bytes of %d", seen, len(datagram))
		}
	})
}
