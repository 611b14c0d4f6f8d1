package dialog

import (
	"errors"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Statuses are the status codes that an attribute calls good, as HTTP and SIP have them.
type Statuses []statusRange

// A statusRange is a range of them.
type statusRange struct{ first, last int }

// ParseStatuses reads the list of an attribute, "200" or "200-299" each, and says what is wrong with it.
func ParseStatuses(attribute string, list []string) (all Statuses, ds []sdk.Diagnostic) {
	add := func(summary, detail string, path ...string) {
		ds = append(ds, sdk.Diagnostic{Path: path, Summary: summary, Detail: detail})
	}
	if len(list) == 0 {
		add("no status codes", `Without any, no answer would be good: write ["200-299"].`, attribute)
	}
	for i, s := range list {
		r, err := parseStatus(s)
		if err != nil {
			add(err.Error(), `Write "200" or "200-299".`, attribute, strconv.Itoa(i))
		}
		all = append(all, r)
	}
	return all, ds
}

// Has says whether a status code is one of them.
func (all Statuses) Has(code int) bool {
	for _, r := range all {
		if r.first <= code && code <= r.last {
			return true
		}
	}
	return false
}

// parseStatus reads "200" or "200-299". Codes have three digits: RFC 9110, section 15; RFC 3261, section 7.2.
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
