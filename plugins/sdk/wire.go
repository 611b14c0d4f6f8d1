package sdk

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// What follows, here and in the files named after a kind, turns Go values into messages and back. Going out never
// fails; coming in, everything is checked, because the peer may be anybody's program in any language.

// maxText bounds a sentence for an operator, in bytes.
const maxText = 512

// text makes s fit for a protobuf string, which must be UTF-8: reasons quote what servers answered, and those may send
// anything.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
		for i := 0; i < utf8.UTFMax && len(s) > 0; i++ { // not in the middle of a character
			if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// texts is text for each.
func texts(in []string) []string {
	if in == nil {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = text(s)
	}
	return out
}

// addrOut writes an address, the zero Addr as "".
func addrOut(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// addrIn reads an address; "" is the zero Addr.
func addrIn(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("reading address %q: not an IP address", clip(s))
	}
	return a, nil
}

// addrsIn reads a list of addresses, none of which may be empty.
func addrsIn(in []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range in {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("reading address %q: not an IP address", clip(s))
		}
		out = append(out, a)
	}
	return out, nil
}

// addrsOut writes a list of addresses.
func addrsOut(in []netip.Addr) []string {
	var out []string
	for _, a := range in {
		out = append(out, a.String())
	}
	return out
}

// fit narrows an unsigned number of the wire, which has no smaller type than 32 bits.
func fit[T ~uint8 | ~uint16](what string, v uint32) (T, error) {
	if uint32(T(v)) != v {
		return 0, fmt.Errorf("reading %s %d: at most %d", what, v, ^T(0))
	}
	return T(v), nil
}

// durationOut writes a duration, 0 as an absent message.
func durationOut(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// durationIn reads a duration that Go can hold and that is not negative.
func durationIn(what string, d *durationpb.Duration) (time.Duration, error) {
	if d == nil {
		return 0, nil
	}
	if err := d.CheckValid(); err != nil {
		return 0, fmt.Errorf("reading %s: %w", what, err)
	}
	v := d.AsDuration()
	if v < 0 || int64(v/time.Second) != d.GetSeconds() {
		return 0, fmt.Errorf("reading %s %ds: out of range", what, d.GetSeconds())
	}
	return v, nil
}

// timeOut writes a time, the zero Time as an absent message.
func timeOut(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeIn reads a time, in UTC.
func timeIn(what string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fmt.Errorf("reading %s: %w", what, err)
	}
	return t.AsTime(), nil
}

// clip shortens what a peer sent for an error message.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}

// each converts a list going out.
func each[A, B any](in []A, f func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

// eachIn converts a list coming in, up to the first error.
func eachIn[A, B any](in []A, f func(A) (B, error)) ([]B, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		b, err := f(a)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}
