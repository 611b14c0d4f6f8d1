package nft

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A rule is a rule with the text by which it is known again.
type rule struct {
	comment string
	exprs   []expr.Any
}

// register is the one that all rules use. Every test loads it and compares.
const register = unix.NFT_REG_1

// A builder appends the parts of a rule.
type builder []expr.Any

func (b *builder) add(e ...expr.Any) { *b = append(*b, e...) }

func (b *builder) equal(load expr.Any, data []byte) {
	b.add(load, &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data})
}

// family: meta nfproto ipv4
func (b *builder) family(a netip.Addr) {
	family := byte(unix.NFPROTO_IPV4)
	if a.Is6() {
		family = unix.NFPROTO_IPV6
	}
	b.equal(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register}, []byte{family})
}

// protocol: meta l4proto tcp
func (b *builder) protocol(p uint8) {
	b.equal(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, []byte{p})
}

// destination: ip daddr A
func (b *builder) destination(a netip.Addr) {
	offset := uint32(16) // RFC 791
	if a.Is6() {
		offset = 24 // RFC 8200
	}
	data := a.AsSlice()
	b.equal(&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(data))}, data)
}

// ports: th dport FIRST-LAST; the destination port is in the same place in TCP, UDP and SCTP.
func (b *builder) ports(first, last uint16) {
	if first == 0 && last == 0 {
		return
	}
	load := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
	b.between(load, first, last)
}

func (b *builder) between(load expr.Any, first, last uint16) {
	from, to := binary.BigEndian.AppendUint16(nil, first), binary.BigEndian.AppendUint16(nil, last)
	if first == last {
		b.equal(load, from)
		return
	}
	b.add(load, &expr.Cmp{Op: expr.CmpOpGte, Register: register, Data: from}, &expr.Cmp{Op: expr.CmpOpLte, Register: register, Data: to})
}

// original: ct original daddr A ct original proto-dst FIRST-LAST, what the client asked for before IPVS rewrote it.
func (b *builder) original(p Packets) {
	b.equal(&expr.Ct{Key: expr.CtKeyDST, Register: register}, p.Address.AsSlice())
	if p.First != 0 || p.Last != 0 {
		b.between(&expr.Ct{Key: expr.CtKeyPROTODST, Register: register}, p.First, p.Last)
	}
}

// markRule: … counter meta mark set M
func markRule(m Mark) rule {
	var b builder
	b.family(m.Address)
	b.destination(m.Address)
	b.protocol(m.Protocol)
	b.ports(m.First, m.Last)
	b.add(&expr.Counter{},
		&expr.Immediate{Register: register, Data: binaryutil.NativeEndian.PutUint32(m.Mark)},
		&expr.Meta{Key: expr.MetaKeyMARK, Register: register, SourceRegister: true})
	return rule{m.String(), b}
}

// masqueradeRule: … counter masquerade. Behind a mark there may be any protocol, and so no port to compare.
func masqueradeRule(m Masquerade) rule {
	var b builder
	b.family(m.Server)
	b.destination(m.Server)
	if m.Mark != 0 {
		b.equal(&expr.Meta{Key: expr.MetaKeyMARK, Register: register}, binaryutil.NativeEndian.PutUint32(m.Mark))
	} else {
		b.protocol(m.Service.Protocol)
		b.original(m.Service)
		b.ports(m.Port, m.Port)
	}
	b.add(&expr.Counter{}, &expr.Masq{})
	return rule{m.String(), b}
}
