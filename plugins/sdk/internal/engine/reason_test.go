package engine

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestReasonsAreOneShortLineOfText(t *testing.T) {
	for in, want := range map[string]string{
		"connection refused":          "connection refused",
		"":                            "failed without a reason",
		" \r\n\t":                     "failed without a reason",
		"a\r\nb\tc\x00d\x7fe":         "a b c d e",
		"\x1b[31mred\x1b[0m":          "[31mred [0m",
		"caf\xe9":                     "caf?",
		"käse 世界":                     "käse 世界",
		"abc\u202edef\u2066":          "abcdef",
		"zero\u200bwidth\u2028line":   "zerowidth line",
		strings.Repeat("x", 512):      strings.Repeat("x", 512),
		strings.Repeat("x", 513):      strings.Repeat("x", 509) + "...",
		strings.Repeat("世", 171):      strings.Repeat("世", 169) + "...", // 513 bytes: 507 and the dots fit
		strings.Repeat("\xff", 1<<20): strings.Repeat("?", 509) + "...",
	} {
		if got := Reason(errors.New(in)); got != want {
			t.Errorf("%.40q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzReason(f *testing.F) {
	f.Add("HTTP 503\r\n\x1b[2J\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		r := Reason(errors.New(s))
		if r == "" || len(r) > 512 || !utf8.ValidString(r) || strings.ContainsFunc(r, unicode.IsControl) {
			t.Errorf("%q", r)
		}
		if again := Reason(errors.New(r)); again != r {
			t.Errorf("%q becomes %q", r, again)
		}
	})
}
