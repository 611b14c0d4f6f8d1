package sdk

import (
	"regexp"
	"strings"
	"testing"
)

func TestNamesOfAttributesAndPlugins(t *testing.T) {
	attribute, plugin := regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`), regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	check := func(s string) {
		if got, want := isAttributeName(s), attribute.MatchString(s); got != want {
			t.Errorf("attribute %q: %v, want %v", s, got, want)
		}
		if got, want := isPluginName(s), plugin.MatchString(s); got != want {
			t.Errorf("plugin %q: %v, want %v", s, got, want)
		}
	}
	for _, a := range []string{"", "a", "z", "A", "0", "9", "_", "-", "é", "\n", "`", "{"} {
		for _, b := range []string{"", "a", "z", "A", "0", "9", "_", "-", "é", "\n", "/", ":"} {
			check(a + b)
			check("a" + a + b)
		}
	}
	for _, n := range []int{31, 32, 33, 63, 64, 65} {
		check(strings.Repeat("a", n))
	}
}
