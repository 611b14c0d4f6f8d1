package http

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// A statusRange is a range of good status codes.
type statusRange struct{ first, last int }

// parseStatus reads "200" or "200-299". Codes have three digits, RFC 9110, section 15.
func parseStatus(s string) (r statusRange, err error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	code := func(s string) int {
		n, e := strconv.ParseUint(s, 10, 16)
		if e != nil || len(s) != 3 || n < 100 || n > 999 {
			err = errors.New("a status code is a number from 100 to 999")
		}
		return int(n)
	}
	r = statusRange{code(from), code(to)}
	if err == nil && r.first > r.last {
		err = errors.New("the range ends before it begins")
	}
	return r, err
}

func (p *plan) compileStatus(d *complaints) {
	if len(p.Status) == 0 {
		d.add(`Without any, no answer would be good: write ["200-299"].`, "no status codes", "status")
	}
	for i, s := range p.Status {
		r, err := parseStatus(s)
		if err != nil {
			d.add(`Write "200" or "200-299".`, err.Error(), "status", strconv.Itoa(i))
		}
		p.statuses = append(p.statuses, r)
	}
}

// judgeStatus says what is wrong with a status code.
func (p *plan) judgeStatus(code int) error {
	for _, r := range p.statuses {
		if r.first <= code && code <= r.last {
			return nil
		}
	}
	got := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", code, http.StatusText(code)))
	return fmt.Errorf("%s, want %s", got, strings.Join(p.Status, ", "))
}

// judgeBody says what is wrong with a body, or with as much of it as was read.
func (p *plan) judgeBody(s *seen) error {
	what, does, matches, has := "body", "does", "matches", "has"
	if !s.whole {
		what, does, matches, has = fmt.Sprintf("the first %d bytes of the body", s.length), "do", "match", "have"
	}
	digest := func(kind string, got []byte, want string) error {
		if got := hex.EncodeToString(got); want != "" && !strings.EqualFold(got, want) {
			return fmt.Errorf("%s %s the %s digest %s, want %s", what, has, kind, got, strings.ToLower(want))
		}
		return nil
	}
	switch {
	case p.match != nil && !s.match:
		return fmt.Errorf("%s %s not match %q", what, does, p.BodyMatch)
	case s.notMatch:
		return fmt.Errorf("%s %s %q", what, matches, p.BodyNotMatch)
	}
	if err := digest("SHA-256", s.sha256, p.BodySHA256); err != nil {
		return err
	}
	return digest("MD5", s.md5, p.BodyMD5)
}

// isHex says whether s is size bytes in hexadecimal.
func isHex(s string, size int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == size
}
