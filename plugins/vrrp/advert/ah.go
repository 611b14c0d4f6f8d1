package advert

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"hash"
	"time"
)

// lastSequence is the highest sequence number sent: keepalived goes no further, and RFC 2402 section 3.3.2 lets none wrap.
const lastSequence = 0xfffffffe

// icvSize is HMAC-MD5-96's (RFC 2403), and icvOffset its place in the AH header.
const (
	icvSize   = 12
	icvOffset = 12
)

// StartSequence is where a virtual router's sequence numbers start: at the seconds since 1970. A router that advertises
// once a second, the most that version 2 allows, never gets ahead of the time, so after a restart its numbers are new.
func StartSequence(now time.Time) uint32 {
	return uint32(max(0, min(now.Unix(), lastSequence)))
}

// A mac computes integrity check values.
type mac struct {
	hmac   hash.Hash
	header [60 + ahSize]byte // a copy of the headers, without what may change on the way
	digest [md5.Size]byte
}

func newMAC(key []byte) *mac { return &mac{hmac: hmac.New(md5.New, key)} }

// compute leaves the digest of a packet whose AH header is at an offset.
func (c *mac) compute(packet []byte, ah int, multicast bool) {
	h := c.header[:copy(c.header[:], packet[:ah+ahSize])]
	h[1] = 0                // type of service
	h[6], h[7] = 0, 0       // fragment offset and flags
	h[10], h[11] = 0, 0     // header checksum
	clear(h[ah+icvOffset:]) // the check value itself
	if !multicast {
		h[8] = 0 // TTL
	}
	c.hmac.Reset()
	c.hmac.Write(h)
	c.hmac.Write(packet[ah+ahSize:])
	c.hmac.Sum(c.digest[:0])
}

func (c *mac) sign(packet []byte, ah int, multicast bool) {
	c.compute(packet, ah, multicast)
	copy(packet[ah+icvOffset:], c.digest[:icvSize])
}

func (c *mac) verify(packet []byte, ah int, multicast bool) bool {
	c.compute(packet, ah, multicast)
	return subtle.ConstantTimeCompare(packet[ah+icvOffset:ah+ahSize], c.digest[:icvSize]) == 1
}
