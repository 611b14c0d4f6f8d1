package advert

import (
	"encoding/binary"
	"net/netip"
)

// add adds bytes to a sum of 16-bit words (RFC 1071). An odd last byte is the high half of a word. An advert is too short
// for the sum to overflow.
func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// addAddress adds an address of a pseudo-header.
func addAddress(sum uint32, a netip.Addr) uint32 {
	if a.Is4() {
		b := a.As4()
		return add(sum, b[:])
	}
	b := a.As16()
	return add(sum, b[:])
}

// fold makes 16 bits of a sum, with its carries added (RFC 1071).
func fold(sum uint32) uint16 {
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum)
}
