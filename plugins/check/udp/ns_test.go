package udp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

func TestNSAHostThatIsGoneIsDownAlsoWhenSilenceIsUp(t *testing.T) {
	director, server := netspace.New(t), netspace.New(t)
	netspace.Join(director, "udp0", []string{"10.77.0.1/24", "fd77::1/64"}, server, "udp1", []string{"10.77.0.2/24", "fd77::2/64"})
	for _, family := range []string{"ipv4", "ipv6"} {
		director.Sysctl("net/"+family+"/neigh/udp0/retrans_time_ms", "100") // to give up after 300 ms in place of 3 s
	}
	for _, tt := range []struct{ address, want string }{
		{"10.77.0.2", "10.77.0.2:9: port unreachable"},
		{"10.77.0.3", "10.77.0.3:9: host unreachable"},
		{"fd77::2", "[fd77::2]:9: port unreachable"},
		{"fd77::3", "[fd77::3]:9: host unreachable"},
		{"203.0.113.1", "203.0.113.1:9: network is unreachable"},
	} {
		target := sdk.Target{Address: netip.MustParseAddr(tt.address), Port: 9, Schedule: sdk.Schedule{Timeout: 5 * time.Second}}
		director.Do(func() error {
			var got string
			for range 20 { // a link that has just come up loses the first packets
				if got = ask(t, target, `{"payload":"x"}`); got == tt.want {
					return nil
				}
			}
			t.Errorf("%s: got %q, want %q", tt.address, got, tt.want)
			return nil
		})
	}
}
