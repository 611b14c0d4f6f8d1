package kernel

import (
	"encoding/binary"
	"errors"
	"iter"

	"golang.org/x/sys/unix"
)

// Netlink attributes are a length, a type and a value, padded to four bytes (include/uapi/linux/netlink.h). Numbers are in
// the host's byte order except where IPVS says otherwise (ports).

const attrHeader = 4

var errAttr = errors.New("malformed netlink attribute")

func align(n int) int { return (n + 3) &^ 3 }

// appendAttr appends an attribute with the given value.
func appendAttr(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attrHeader+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for range align(len(value)) - len(value) {
		b = append(b, 0)
	}
	return b
}

func appendU8(b []byte, typ uint16, v uint8) []byte {
	b = binary.NativeEndian.AppendUint16(b, attrHeader+1)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return append(b, v, 0, 0, 0)
}

func appendU16(b []byte, typ uint16, v uint16) []byte {
	b = binary.NativeEndian.AppendUint16(b, attrHeader+2)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, v)
	return append(b, 0, 0)
}

// appendBE16 appends a number in network byte order.
func appendBE16(b []byte, typ uint16, v uint16) []byte {
	b = binary.NativeEndian.AppendUint16(b, attrHeader+2)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, v)
	return append(b, 0, 0)
}

func appendU32(b []byte, typ uint16, v uint32) []byte {
	b = binary.NativeEndian.AppendUint16(b, attrHeader+4)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return binary.NativeEndian.AppendUint32(b, v)
}

// appendString appends a string with the NUL that the kernel wants at its end.
func appendString(b []byte, typ uint16, s string) []byte {
	return appendAttr(b, typ, append([]byte(s), 0))
}

// openNest begins an attribute that holds attributes; closeNest ends it, given the length that b had before.
func openNest(b []byte, typ uint16) []byte {
	b = append(b, 0, 0)
	return binary.NativeEndian.AppendUint16(b, typ|unix.NLA_F_NESTED)
}

func closeNest(b []byte, start int) []byte {
	binary.NativeEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b
}

// attrs yields the attributes in b by type, without the flag bits, and stops at the first that does not fit into it.
func attrs(b []byte) iter.Seq2[uint16, value] {
	return func(yield func(uint16, value) bool) {
		for len(b) >= attrHeader {
			n := int(binary.NativeEndian.Uint16(b))
			typ := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if n < attrHeader || n > len(b) {
				return
			}
			if !yield(typ, value(b[attrHeader:n])) {
				return
			}
			b = b[min(align(n), len(b)):]
		}
	}
}

// wellFormed says whether b is a sequence of whole attributes.
func wellFormed(b []byte) bool {
	for len(b) > 0 {
		if len(b) < attrHeader {
			return false
		}
		n := int(binary.NativeEndian.Uint16(b))
		if n < attrHeader || n > len(b) {
			return false
		}
		b = b[min(align(n), len(b)):]
	}
	return true
}

// A value is an attribute's value. Its methods return zero when it is too short: a kernel does not send such, and what it
// means is then decided by who needs the attribute.
type value []byte

func (v value) u8() uint8 {
	if len(v) < 1 {
		return 0
	}
	return v[0]
}

func (v value) u16() uint16 {
	if len(v) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(v)
}

func (v value) be16() uint16 {
	if len(v) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(v)
}

func (v value) u32() uint32 {
	if len(v) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(v)
}

// number returns an unsigned number of four or eight bytes: counters are the one in STATS and the other in STATS64.
func (v value) number() uint64 {
	if len(v) >= 8 {
		return binary.NativeEndian.Uint64(v)
	}
	return uint64(v.u32())
}

func (v value) text() string {
	for i, c := range v {
		if c == 0 {
			return string(v[:i])
		}
	}
	return string(v)
}
