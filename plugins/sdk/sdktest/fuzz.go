package sdktest

import (
	"net"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// FuzzServer fuzzes all that a server says to a probe, from its first byte to its end: the probe must end then, and a
// reason must be one that an operator can read.
func FuzzServer(f *testing.F, p sdk.Plugin, config string, seeds ...string) {
	for _, s := range HostileServers() {
		if s.Says != "" {
			f.Add(s.Says)
		}
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, says string) {
		server := Accept(t, func(c *net.TCPConn) {
			c.Write([]byte(says))
			c.CloseWrite()
			for b := make([]byte, 1<<10); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		})
		begin := time.Now()
		reason := Ask(t, p, TargetAt(server), config, patience)
		if took := time.Since(begin); took > patience {
			t.Errorf("the probe takes %s", took)
		}
		if reason == "" {
			return
		}
		if wrong := contract.Reason(reason); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}
