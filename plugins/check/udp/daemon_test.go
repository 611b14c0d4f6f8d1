package udp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// ntpRequest is 48 bytes that any NTP server answers: version 4, mode 3, and nothing else.
const ntpRequest = `"payload_hex":"23000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"`

func TestNSChrony(t *testing.T) {
	server := sdktest.FreePort(t)
	dir := t.TempDir()
	conf := sdktest.WriteFile(t, dir, "chrony.conf", fmt.Sprintf(
		"port %d\nbindaddress 127.0.0.1\nbindcmdaddress /\ncmdport 0\nallow all\nlocal stratum 8\npidfile %s/pid\n", server.Port, dir))
	up := func() bool { return ask(t, hasty(server), `{`+ntpRequest+`,"require_reply":true}`) == "" }
	sdktest.Process{
		Package: "chrony", Ready: up,
		Command: []string{"/usr/sbin/chronyd", "-x", "-d", "-U", "-u", "root", "-f", conf},
	}.Start(t)
	for _, tt := range []struct{ config, want string }{
		{`{` + ntpRequest + `,"reply_hex":"24 08","min_reply_length":48,"max_reply_length":48}`, ""},
		{`{` + ntpRequest + `,"reply_hex":"xx 0x"}`, ""},
		{`{` + ntpRequest + `,"max_reply_length":47}`, "the reply has more than 47 bytes"},
		{`{"payload":"hello"}`, ""}, // it is silent
		{`{"payload":"hello","require_reply":true}`, "no answer within 100ms"},
	} {
		target := server
		if strings.Contains(tt.want, "100ms") {
			target = hasty(server)
		}
		if got := ask(t, target, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}

func TestNSSocat(t *testing.T) {
	server := sdktest.FreePort(t)
	up := func() bool { return ask(t, hasty(server), `{"payload":"x","require_reply":true}`) == "" }
	sdktest.Process{
		Package: "socat", Ready: up,
		Command: []string{"/usr/bin/socat", fmt.Sprintf("UDP-RECVFROM:%d,bind=127.0.0.1,fork", server.Port), "PIPE"},
	}.Start(t)
	for _, tt := range []struct {
		target       sdk.Target
		config, want string
	}{
		{server, `{"payload":"hello","reply_match":"^hello$"}`, ""},
		{server, `{"payload":"hello","reply_hex":"68 65 6c 6c 6x"}`, ""},
		{server, `{"payload":"hello","reply_match":"^bye$"}`, `the reply "hello" does not match "^bye$"`},
	} {
		if got := ask(t, tt.target, tt.config); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
}
