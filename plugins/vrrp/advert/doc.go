// Package advert is VRRP's one packet, the advert, as bytes: RFC 3768's (version 2, with RFC 2338's authentication) and
// RFC 9568's (version 3). It is pure: no socket, no clock, and nothing is allocated once a Format has been made.
//
// # The message
//
// The two versions differ in one word and in what follows the addresses:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------+-------+---------------+---------------+---------------+
//	|version| type 1|     VRID      |   priority    |     count     |
//	+-------+-------+---------------+---------------+---------------+
//	| authentication| interval, s   |           checksum            |   version 2
//	|(rsvd) |  interval, 1/100 s    |           checksum            |   version 3
//	+---------------+---------------+-------------------------------+
//	|  count addresses, of 4 or 16 bytes                            |
//	+---------------------------------------------------------------+
//	|  8 bytes of authentication data, version 2 only               |
//	+---------------------------------------------------------------+
//
// It is the payload of IP protocol 112, sent to 224.0.0.18 or ff02::12 with a TTL of 255 that no router has lowered.
//
// # The checksum
//
// Version 2 sums the message with its authentication data. Version 3 over IPv6 adds the pseudo-header of IPv6. Version 3
// over IPv4 was read in two ways: RFC 5798 had a pseudo-header, and keepalived sends and wants it; RFC 9568 has none. Both
// are accepted, and Params.PseudoHeader says which is sent.
//
// # The authentication header
//
// With AH (RFC 2402) the packet is IP, AH, message, and the IP header's protocol is 51. keepalived is the only other
// speaker of it, so its reading is followed, which differs from the RFC in one field:
//
//	+---------------+---------------+-------------------------------+
//	| next: 112     | length: 4     |               0               |
//	+---------------+---------------+-------------------------------+
//	|  security parameter index: the sender's IPv4 address          |
//	|  sequence number                                              |
//	|  integrity check value: 96 bits of HMAC-MD5 (RFC 2403)        |
//	+---------------------------------------------------------------+
//
// The HMAC's key is the password, cut to 8 bytes. It covers the IP header, the AH header with an empty check value, and
// the message with its checksum. Of the IP header the type of service, the fragment offset and the header checksum count
// as zero; the TTL counts as zero in unicast only, and as itself (255) in multicast, where RFC 2402 would zero it too.
//
// The sequence number is one count for the whole virtual router: whoever sends goes on from the highest number that it has
// sent or heard, and a number that is not higher is refused. A router that was restarted listens first, so that it knows
// the count before it sends. One that becomes master at once, or that was cut off, may send numbers that the others have
// had: they do not hear it, and send a higher number sooner or later, which it does hear. Our own count starts at the time
// (StartSequence), so that even this happens only between keepalived's.
package advert
