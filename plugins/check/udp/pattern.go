package udp

import (
	"errors"
	"strconv"
	"strings"
)

// A pattern is the beginning of a reply, of which some digits may be any.
type pattern struct{ value, mask []byte }

// parsePattern reads hexadecimal digits with x for any digit, as keepalived's require_reply has them.
func parsePattern(s string) (pattern, error) {
	var p pattern
	s = bare(s)
	if len(s)%2 != 0 {
		return p, errors.New("half a byte is left over")
	}
	for i := 0; i < len(s); i += 2 {
		var value, mask byte
		for _, digit := range s[i : i+2] {
			value, mask = value<<4, mask<<4
			if digit == 'x' || digit == 'X' {
				continue
			}
			n, err := strconv.ParseUint(string(digit), 16, 4)
			if err != nil {
				return p, errors.New("not bytes in hexadecimal")
			}
			value, mask = value|byte(n), mask|0xf
		}
		p.value, p.mask = append(p.value, value), append(p.mask, mask)
	}
	return p, nil
}

// begins says whether b begins so.
func (p pattern) begins(b []byte) bool {
	if len(b) < len(p.value) {
		return false
	}
	for i, v := range p.value {
		if b[i]&p.mask[i] != v {
			return false
		}
	}
	return true
}

// String returns the pattern as it is written, in lower case: "0aff1xxx".
func (p pattern) String() string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	digit := func(v, m byte) {
		if m == 0 {
			s.WriteByte('x')
		} else {
			s.WriteByte(digits[v])
		}
	}
	for i := range p.value {
		digit(p.value[i]>>4, p.mask[i]>>4)
		digit(p.value[i]&0xf, p.mask[i]&0xf)
	}
	return s.String()
}
