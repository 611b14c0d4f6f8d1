package wizard

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/appliance/ssh/authorized"
)

// The rules of answers. Each takes a text without blanks at its ends and returns its canonical form.

// hostName is a name by RFC 1123 section 2.1, short enough for the kernel (include/uapi/linux/utsname.h).
func hostName(s string) (string, error) {
	s = strings.ToLower(s)
	wrong := s == "" || len(s) > 64
	for label := range strings.SplitSeq(s, ".") {
		wrong = wrong || label == "" || len(label) > 63 || strings.Trim(label, "-") != label || !only(label, "-")
	}
	if wrong {
		return "", fmt.Errorf("%q is no host name: write letters, digits, hyphens and dots, at most 64, as in \"lb1\" or \"lb1.example.com\"", short(s))
	}
	return s, nil
}

// only says whether a text has nothing but letters, digits and some other characters.
func only(s, others string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r))
	})
}

// blockName is what a block of the configuration can be called without brackets where it is referred to.
func blockName(s string) (string, error) {
	first := s != "" && (s[0] == '_' || s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
	if !first || !only(s, "_-") || len(s) > 32 {
		return "", fmt.Errorf("%q is no name: write up to 32 letters, digits, hyphens and underscores, with a letter first, as in \"web\"", short(s))
	}
	return s, nil
}

// interfaceName is what the kernel takes for one (net/core/dev.c, dev_valid_name), and a person can read.
func interfaceName(s string) (string, error) {
	if s == "" || len(s) > 15 || s == "." || s == ".." || !only(s, "_-.") {
		return "", fmt.Errorf("%q is no name of a network card: it has up to 15 letters, digits, dots, hyphens and underscores, as in \"eth0\"", short(s))
	}
	return s, nil
}

// address is one that a host can have.
func address(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil && strings.Contains(s, "/"):
		return a, fmt.Errorf("%q has a length, and a plain address is wanted here: write one as in \"192.0.2.1\" or \"2001:db8::1\"", short(s))
	case err != nil:
		return a, fmt.Errorf("%q is no address: write one as in \"192.0.2.1\" or \"2001:db8::1\"", short(s))
	case a.Zone() != "":
		return a, fmt.Errorf("%q has a zone, which has no place here: write it without %q", short(s), short("%"+a.Zone()))
	case a.Is4In6():
		return a, fmt.Errorf("%q is an IPv4 address in the dress of IPv6: write %q", s, a.Unmap())
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}), a.Is4() && a.As4()[0] == 0:
		return a, fmt.Errorf("%s is not the address of one host: write one as in \"192.0.2.1\" or \"2001:db8::1\"", a)
	}
	return a, nil
}

// network is an address of a host with the length of its network.
func network(s string) (netip.Prefix, error) {
	text, length, found := strings.Cut(s, "/")
	a, err := address(text)
	if err != nil {
		return netip.Prefix{}, errors.New(strings.ReplaceAll(strings.ReplaceAll(err.Error(), `192.0.2.1"`, `192.0.2.1/24"`), `2001:db8::1"`, `2001:db8::1/64"`))
	}
	if !found {
		return netip.Prefix{}, fmt.Errorf("the length of the network is missing: write it with the address, as in %q", fmt.Sprintf("%s/%d", a, usual(a)))
	}
	p, err := netip.ParsePrefix(a.String() + "/" + length)
	switch {
	case err != nil && strings.Contains(length, "."):
		return p, fmt.Errorf("the netmask %q is written as a length here: 255.255.255.0 is 24, as in %q", short(length), fmt.Sprintf("%s/24", a))
	case err != nil, p.Bits() == 0:
		return p, fmt.Errorf("%q is no length of a network: write 1 to %d, as in %q", short(length), a.BitLen(), fmt.Sprintf("%s/%d", a, usual(a)))
	case p.Masked().Addr() == a && a.BitLen()-p.Bits() > 1:
		return p, fmt.Errorf("%s is the network itself: write the address of a host in it, as in %q", p, fmt.Sprintf("%s/%d", a.Next(), p.Bits()))
	case a.Is4() && p.Bits() < 31 && !p.Contains(a.Next()):
		return p, fmt.Errorf("%s is the network's broadcast address: write another one in it, as in %q", p, fmt.Sprintf("%s/%d", a.Prev(), p.Bits()))
	}
	return p, nil
}

// usual is the length that most networks of the family have.
func usual(a netip.Addr) int {
	if a.Is4() {
		return 24
	}
	return 64
}

// endpoint is an address and a port; port is what it is when none is written, 0: one must be.
func endpoint(s string, port uint16) (netip.AddrPort, error) {
	example := func(a netip.Addr) string { return netip.AddrPortFrom(a, max(port, 80)).String() }
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		if port == 0 {
			return netip.AddrPort{}, fmt.Errorf("the port is missing: write it with the address, as in %q", netip.AddrPortFrom(a, 80))
		}
		a, err := address(a.String())
		return netip.AddrPortFrom(a, port), err
	}
	colon := max(strings.LastIndexByte(s, ':'), 0)
	a, err := address(strings.Trim(s[:colon], "[]"))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address with a port: write one as in %q or %q", short(s), example(netip.AddrFrom4([4]byte{192, 0, 2, 1})), example(netip.MustParseAddr("2001:db8::1")))
	}
	n, err := strconv.ParseUint(s[colon+1:], 10, 16)
	if err != nil || n == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q is no port: write a number from 1 to 65535, as in %q", short(s[colon+1:]), example(a))
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// list takes a list apart, whose elements have blanks or commas between them, and puts the canonical elements together again.
func list[T comparable](s string, one func(string) (T, error), written func(T) string) (string, error) {
	var all []T
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		v, err := one(part)
		if err != nil {
			return "", err
		}
		if slices.Contains(all, v) {
			return "", fmt.Errorf("%s is there twice: write it once", written(v))
		}
		all = append(all, v)
		out = append(out, written(v))
	}
	if len(out) == 0 {
		return "", errors.New("there is nothing between the commas: write at least one")
	}
	return strings.Join(out, " "), nil
}

// same is how a text is written: as it is.
func same(s string) string { return s }

// host is an address or a name.
func host(s string) (string, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a, err := address(a.String())
		return a.String(), err
	}
	h, err := hostName(s)
	if err != nil || only(strings.ReplaceAll(h, ".", ""), "") && strings.Trim(h, "0123456789.") == "" {
		return "", fmt.Errorf("%q is neither an address nor a host name: write one as in \"192.0.2.1\" or \"ntp.example.com\"", short(s))
	}
	return h, nil
}

// hostPort is an address or a name with a port.
func hostPort(s string, port uint16) (string, error) {
	if e, err := endpoint(s, port); err == nil {
		return e.String(), nil
	}
	name, digits, found := strings.Cut(s, ":")
	h, err := host(name)
	if err != nil {
		return "", err
	}
	if !found {
		digits = strconv.Itoa(int(port))
	}
	if n, err := strconv.ParseUint(digits, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q is no port: write a number from 1 to 65535, as in %q", short(digits), fmt.Sprintf("%s:%d", h, port))
	}
	return h + ":" + digits, nil
}

// mailAddress is one without a person's name, in ASCII.
func mailAddress(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || !only(s, "@.!#$%&'*+-/=?^_`{|}~") || len(s) > 254 {
		return "", fmt.Errorf("%q is no mail address: write one as in \"ops@example.com\"", short(s))
	}
	return s, nil
}

// path is what an HTTP request asks for.
func path(s string) (string, error) {
	_, err := url.ParseRequestURI(s)
	if err != nil || !strings.HasPrefix(s, "/") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) || len(s) > 1024 {
		return "", fmt.Errorf("%q is no path: it begins with a slash, and blanks and the like are written as %%20, as in \"/health\"", short(s))
	}
	return s, nil
}

// seconds is a duration of whole seconds up to 31 days, in the form of the configuration.
func seconds(s string) (string, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d > 31*24*time.Hour || d%time.Second != 0 {
		return "", fmt.Errorf("%q is no time of whole seconds: write it with its unit, as in \"300s\", \"10m\" or \"1h\"", short(s))
	}
	s = d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s, nil
}

// number is one of a range.
func number(s string, from, to int) (string, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < from || n > to {
		return "", fmt.Errorf("%q does not fit: write a number from %d to %d", short(s), from, to)
	}
	return strconv.Itoa(n), nil
}

// Password says what is wrong with a password for the console, if anything is.
func Password(s string) error {
	if err := readable(s); err != nil {
		return err
	}
	_, err := password(s)
	return err
}

// password is one that bcrypt can keep whole (golang.org/x/crypto/bcrypt: 72 bytes).
func password(s string) (string, error) {
	switch {
	case len([]rune(s)) < 8:
		return "", errors.New("this is too short: a password has at least 8 characters")
	case len(s) > 72:
		return "", errors.New("this is too long: a password has at most 72 bytes")
	case strings.ContainsRune(s, '\t'):
		return "", errors.New("a tabulator is hard to see: write the password without it")
	}
	return s, nil
}

// publicKey is a line of an authorized_keys file (sshd(8)), as ssh-keygen writes it to id_*.pub.
func publicKey(s string) (string, error) {
	_, err := authorized.Parse(s)
	return strings.TrimSpace(s), err
}
