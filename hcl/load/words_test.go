package load

import (
	"regexp"
	"strings"
	"testing"
)

// texts are all of up to four characters that matter, and long ones.
func texts(f func(s string)) {
	const letters = "aZ0-._é\n"
	var grow func(s string)
	grow = func(s string) {
		f(s)
		if len(s) < 4 {
			for _, c := range letters {
				grow(s + string(c))
			}
		}
	}
	grow("")
	for _, n := range []int{31, 32, 61, 62, 63, 64, 65, 252, 253, 254} {
		f(strings.Repeat("a", n))
		f(strings.Repeat("a.", n/2) + strings.Repeat("a", n%2))
		f("b." + strings.Repeat("a", n))
		f(strings.Repeat("0", n) + "g")
	}
}

func TestHostNamesAreThoseOfTheStandard(t *testing.T) {
	standard := regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)
	texts(func(s string) {
		if got, want := isHostName(s), len(s) <= 253 && standard.MatchString(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	})
}

func TestASHA256HasSixtyFourHexadecimalDigits(t *testing.T) {
	digits := regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	texts(func(s string) {
		if got, want := isSHA256(s), digits.MatchString(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	})
}
