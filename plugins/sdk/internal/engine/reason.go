package engine

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// reasonBytes is the length of the longest reason.
const reasonBytes = 512

// Reason returns the text of an error as an operator gets to see it: one line of at most 512 bytes, valid UTF-8, without
// control characters or those that turn the direction of writing. What a server answers may be part of an error.
func Reason(err error) string {
	if s := line(err.Error()); s != "" {
		return s
	}
	return "failed without a reason"
}

// line makes a line of a text.
func line(s string) string {
	if len(s) > 8*reasonBytes {
		s = s[:8*reasonBytes]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > reasonBytes {
		const more = "..."
		cut := reasonBytes - len(more)
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + more
	}
	return s
}
