package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// readValue reads the JSON of an attribute as its type has it: string, bool, int64, float64, time.Duration, netip.Addr,
// uint16, []string or map[string]string.
func readValue(t Type, oneOf []string, raw json.RawMessage) (any, error) {
	switch t {
	case TypeString:
		s, err := readJSON[string](raw, "a string")
		if err == nil && len(oneOf) > 0 && !slices.Contains(oneOf, s) {
			return nil, fmt.Errorf("%q is not allowed: write one of %s", clip(s), strings.Join(oneOf, ", "))
		}
		return s, err
	case TypeBool:
		return readJSON[bool](raw, "true or false")
	case TypeInt:
		return readInt(raw)
	case TypeNumber:
		return readJSON[float64](raw, "a number")
	case TypeDuration:
		return readDuration(raw)
	case TypeAddress:
		return readAddress(raw)
	case TypePort:
		return readPort(raw)
	case TypeStringList:
		return readJSON[[]string](raw, "a list of strings")
	case TypeStringMap:
		return readJSON[map[string]string](raw, "a map of strings")
	}
	return nil, fmt.Errorf("type %q does not exist", t)
}

// readJSON reads a value of exactly this type. JSON's null is no value.
func readJSON[T any](raw json.RawMessage, what string) (v T, err error) {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return v, fmt.Errorf("null is not %s", what)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("%s is not %s", clip(string(raw)), what)
	}
	return v, nil
}

func readInt(raw json.RawMessage) (int64, error) {
	n, err := readJSON[json.Number](raw, "a whole number")
	if err != nil || bytes.HasPrefix(bytes.TrimSpace(raw), []byte(`"`)) {
		return 0, fmt.Errorf("%s is not a whole number", clip(string(raw)))
	}
	if v, err := n.Int64(); err == nil {
		return v, nil
	}
	f, err := n.Float64() // 1e3 and 3.0 are whole numbers, too
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("%s is not a whole number", clip(string(raw)))
	}
	return int64(f), nil
}

func readDuration(raw json.RawMessage) (time.Duration, error) {
	const what = `a duration with a unit, as in "1.5s"`
	s, err := readJSON[string](raw, what)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil || s == "0":
		return 0, fmt.Errorf("%q is not %s", clip(s), what)
	case d < 0:
		return 0, fmt.Errorf("%q is negative", clip(s))
	}
	return d, nil
}

func readAddress(raw json.RawMessage) (netip.Addr, error) {
	s, err := readJSON[string](raw, "an IP address")
	if err != nil {
		return netip.Addr{}, err
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", clip(s))
	}
	return a, nil
}

func readPort(raw json.RawMessage) (uint16, error) {
	n, err := readInt(raw)
	if err != nil {
		return 0, err
	}
	if n < 1 || n > math.MaxUint16 {
		return 0, fmt.Errorf("%d is not a port: 1 to 65535", n)
	}
	return uint16(n), nil
}

// writeDefault turns the text of a default:"" tag into the JSON of its type.
func writeDefault(t Type, s string) (json.RawMessage, error) {
	var raw []byte
	var err error
	switch t {
	case TypeString, TypeDuration, TypeAddress:
		raw, err = json.Marshal(s)
	case TypeStringList:
		if strings.HasPrefix(s, "[") {
			raw = []byte(s)
		} else {
			raw, err = json.Marshal(splitList(s))
		}
	default:
		raw = []byte(s)
	}
	if err != nil {
		return nil, err
	}
	if !json.Valid(raw) {
		return nil, errors.New("not a value of its type")
	}
	return raw, nil
}

// splitList splits "a,b" and makes of "" no element at all.
func splitList(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}
