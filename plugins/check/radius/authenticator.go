package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"slices"

	"layeh.com/radius/rfc2869"
)

// Of a packet, RFC 2865, section 3: the header, and in it the authenticator.
const (
	headerBytes   = 20
	authenticator = 4
	digestBytes   = md5.Size
)

// length is how long a parsed packet says that it is; what follows is padding.
func length(b []byte) int { return int(binary.BigEndian.Uint16(b[2:])) }

// signature returns where a parsed packet has its first Message-Authenticator, or nil.
func signature(b []byte) []byte {
	for i := headerBytes; i+2 <= len(b); i += int(b[i+1]) {
		if b[i] == byte(rfc2869.MessageAuthenticator_Type) && b[i+1] == 2+digestBytes {
			return b[i+2 : i+2+digestBytes]
		}
	}
	return nil
}

// sign fills in the Message-Authenticator of a request, which is all zero: HMAC-MD5 of the packet, RFC 2869, section 5.14.
func sign(request []byte, secret string) {
	copy(signature(request), digest(request, secret))
}

// verify says whether an answer has a Message-Authenticator, and whether it is right: of the answer with the authenticator
// of its request, and zeros in its own place.
func verify(answer, request []byte, secret string) (signed, good bool) {
	got := signature(answer)
	if got == nil {
		return false, false
	}
	b := slices.Clone(answer)
	copy(b[authenticator:headerBytes], request[authenticator:])
	clear(signature(b))
	return true, hmac.Equal(got, digest(b, secret))
}

func digest(b []byte, secret string) []byte {
	h := hmac.New(md5.New, []byte(secret))
	h.Write(b)
	return h.Sum(nil)
}
