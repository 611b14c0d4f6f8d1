package ntp

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// chrony starts a real one on loopback, which does not touch the machine's clock.
func chrony(t *testing.T, more string) sdk.Target {
	t.Helper()
	server := sdktest.FreePort(t)
	dir := t.TempDir()
	conf := sdktest.WriteFile(t, dir, "chrony.conf", fmt.Sprintf(
		"port %d\nbindaddress 127.0.0.1\nbindcmdaddress /\ncmdport 0\nallow all\npidfile %s/pid\n%s\n", server.Port, dir, more))
	unreachable := fmt.Sprintf("127.0.0.1:%d: port unreachable", server.Port)
	sdktest.Process{
		Package: "chrony",
		Command: []string{"/usr/sbin/chronyd", "-x", "-d", "-U", "-u", "root", "-f", conf},
		Ready:   func() bool { return ask(t, server, `{}`, sdktest.Short.String()) != unreachable },
	}.Start(t)
	return server
}

func TestNSChrony(t *testing.T) {
	local := chrony(t, "local stratum 8")
	for _, tt := range []struct{ config, want string }{
		{`{}`, ""},
		{`{"max_stratum":8,"max_offset":"100ms"}`, ""},
		{`{"max_stratum":7}`, "the server's clock is of stratum 8, want at most 7"},
	} {
		if got := ask(t, local, tt.config, tt.want); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.config, got, tt.want)
		}
	}
	if got, want := ask(t, chrony(t, ""), `{}`, ""), "the server's clock is not synchronised"; got != want {
		t.Errorf("without a source of time: got %q, want %q", got, want)
	}
}
