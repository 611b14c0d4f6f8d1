package schema

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// shorten keeps a value of any length from filling a message.
func shorten(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:57], "") + "..."
	}
	return s
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, ", ")
}

// ParseDuration reads what the language takes for a duration: a number with a unit (h, m, s, ms, us, ns), or several, none
// of them negative. The error says what to write instead.
func ParseDuration(s string) (time.Duration, error) {
	if s != "0" {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			return 0, fmt.Errorf("%q has no unit: write %q for seconds or %q for milliseconds", s, s+"s", s+"ms")
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write a number and a unit, as in \"500ms\", \"1.5s\", \"2m\" or \"1h\"", shorten(s))
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative", s)
	}
	return d, nil
}

// FormatDuration writes a duration in its one canonical way: "1m30s", "5m", "1.5s".
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ParseAddress reads an IPv4 or IPv6 address without a zone. The error says what to write instead.
func ParseAddress(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil && strings.Contains(s, "/"):
		return addr, fmt.Errorf("%q has a prefix length, and an address alone is wanted: write %q", shorten(s), shorten(strings.SplitN(s, "/", 2)[0]))
	case err != nil:
		if ap, err := netip.ParseAddrPort(s); err == nil {
			return addr, fmt.Errorf("%q has a port, and an address alone is wanted: write %q", s, ap.Addr())
		}
		return addr, fmt.Errorf("%q is no IPv4 or IPv6 address (names are not looked up)", shorten(s))
	case addr.Zone() != "":
		return addr, fmt.Errorf("%q has a zone: write %q", s, addr.WithZone(""))
	case addr.Is4In6():
		return addr, fmt.Errorf("%q is an IPv4 address in IPv6's form: write %q", s, addr.Unmap())
	}
	return addr, nil
}
