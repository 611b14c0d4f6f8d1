package script

import (
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "script" may hold beside what every check has.
type Config struct {
	Command  []string `attr:"command" required:"true" doc:"the program, with its whole path, and its arguments; no shell is involved"`
	User     string   `attr:"user" default:"nobody" doc:"whom it runs as"`
	Dynamic  bool     `attr:"dynamic" default:"false" doc:"exit statuses from 2 on are good, and say the weight: in percent, and 2 more"`
	External string   `attr:"external" doc:"the virtual server: with this, the program gets the arguments of ldirectord's external checks"`
}

// isUserName says whether a text is a name as useradd(8) takes it: letters, digits, _ . and -, the first one a letter or _, at most
// 32 of them and then a $ or not.
func isUserName(s string) bool {
	s = strings.TrimSuffix(s, "$")
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// Validate refuses what cannot work. Whether the program is there is a matter of the machine that runs it.
func (c Config) Validate() []sdk.Diagnostic {
	var list []sdk.Diagnostic
	add := func(summary, detail string, path ...string) {
		list = append(list, sdk.Diagnostic{Path: path, Summary: summary, Detail: detail})
	}
	switch {
	case len(c.Command) == 0:
		add("there is no program to run", `write command = ["/usr/local/bin/check_it", "argument"]`, "command")
	case !filepath.IsAbs(c.Command[0]):
		add("the program has no whole path", `write it from / on: "/usr/local/bin/check_it"`, "command", "0")
	}
	for i, argument := range c.Command {
		if strings.ContainsRune(argument, 0) {
			add("an argument can't have a zero byte", "leave it out", "command", strconv.Itoa(i))
		}
	}
	if !isUserName(c.User) {
		add("it is no name of a user", `write user = "nobody"`, "user")
	}
	if _, ok := virtual(c.External); !ok {
		add("it is no virtual server", `write its address and port, external = "192.0.2.1:80", or its mark, external = "99"`, "external")
	}
	return list
}

// virtual returns a virtual server as the first two arguments of ldirectord's external checks: address and port, or mark
// and "-". Where none is written there are none.
func virtual(s string) (arguments []string, ok bool) {
	if s == "" {
		return nil, true
	}
	if at, err := netip.ParseAddrPort(s); err == nil && at.Port() != 0 {
		return []string{at.Addr().String(), strconv.Itoa(int(at.Port()))}, true
	}
	if mark, err := strconv.ParseUint(s, 10, 32); err == nil && mark != 0 {
		return []string{s, "-"}, true
	}
	return nil, false
}
