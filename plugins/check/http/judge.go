package http

import (
	"crypto/md5"
	"crypto/sha256"
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
func (p *plan) judgeBody(body []byte, truncated bool) error {
	what, does, matches, has := "body", "does", "matches", "has"
	if truncated {
		what, does, matches, has = fmt.Sprintf("the first %d bytes of the body", len(body)), "do", "match", "have"
	}
	if p.match != nil && !p.match.Match(body) {
		return fmt.Errorf("%s %s not match %q", what, does, p.BodyMatch)
	}
	if p.notMatch != nil && p.notMatch.Match(body) {
		return fmt.Errorf("%s %s %q", what, matches, p.BodyNotMatch)
	}
	digest := func(kind, got, want string) error {
		if want == "" || strings.EqualFold(got, want) {
			return nil
		}
		return fmt.Errorf("%s %s the %s digest %s, want %s", what, has, kind, got, strings.ToLower(want))
	}
	if p.BodySHA256 != "" {
		sum := sha256.Sum256(body)
		if err := digest("SHA-256", hex.EncodeToString(sum[:]), p.BodySHA256); err != nil {
			return err
		}
	}
	if p.BodyMD5 != "" {
		sum := md5.Sum(body)
		return digest("MD5", hex.EncodeToString(sum[:]), p.BodyMD5)
	}
	return nil
}

// isHex says whether s is size bytes in hexadecimal.
func isHex(s string, size int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == size
}
