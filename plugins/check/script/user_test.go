package script

import (
	"regexp"
	"strings"
	"testing"
)

func TestUserNamesAreThoseOfUseradd(t *testing.T) {
	useradd := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$`)
	check := func(s string) {
		if got, want := isUserName(s), useradd.MatchString(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
	for _, a := range []string{"", "a", "Z", "_", "0", ".", "-", "$", "@", "é"} {
		for _, b := range []string{"", "a", "Z", "_", "0", ".", "-", "$", "$$", "/", ":", "\n"} {
			check(a + b)
			check("a" + a + b)
		}
	}
	for _, n := range []int{31, 32, 33} {
		check(strings.Repeat("a", n))
		check(strings.Repeat("a", n) + "$")
	}
}
