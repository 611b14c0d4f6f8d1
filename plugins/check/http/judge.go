package http

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// judgeStatus says what is wrong with a status code.
func (p *plan) judgeStatus(code int) error {
	if p.statuses.Has(code) {
		return nil
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
