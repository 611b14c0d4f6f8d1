package switchboard

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

func TestNSConnectionsLeaveAsTheirEgressSaysAlsoByASocketThatIsUsedAgain(t *testing.T) {
	director, server := netspace.New(t), netspace.New(t)
	netspace.Join(director, "tc0", []string{"10.79.0.1/24", "10.79.0.3/24", "fd79::1/64"}, server, "tc1", []string{"10.79.0.2/24", "fd79::2/64"})
	director.Sysctl("net/ipv4/neigh/tc0/retrans_time_ms", "100") // to give up after 300 ms in place of 3 s
	seen := make(chan string, 1)
	server.Do(func() error {
		l, err := net.Listen("tcp", ":80")
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				from := netip.MustParseAddrPort(c.RemoteAddr().String()).Addr().Unmap()
				c.Close()
				seen <- from.String()
			}
		}()
		return nil
	})
	h := newHarness(t)
	probe := func(to string, egress sdk.Egress) (said string) {
		target := sdk.Target{Address: netip.MustParseAddr(to), Port: 80, Egress: egress, Schedule: sdk.Schedule{Timeout: 500 * time.Millisecond}}
		director.Do(func() error {
			if err := h.probe(0, target); err != nil {
				said = err.Error()
			} else {
				said = <-seen
			}
			return nil
		})
		return said
	}
	for range 20 { // a link that has just come up loses the first packets
		if probe("fd79::2", sdk.Egress{}) == "fd79::1" {
			break
		}
	}
	source := func(s string) sdk.Egress { return sdk.Egress{Source: netip.MustParseAddr(s)} }
	for range 3 {
		for _, tt := range []struct {
			name, to string
			egress   sdk.Egress
			want     string
		}{
			{"as the kernel has it", "10.79.0.2", sdk.Egress{}, "10.79.0.1"},
			{"IPv6", "fd79::2", sdk.Egress{}, "fd79::1"},
			{"with a source", "10.79.0.2", source("10.79.0.3"), "10.79.0.3"},
			{"IPv6 with a source", "fd79::2", source("fd79::1"), "fd79::1"},
			{"by the interface", "10.79.0.2", sdk.Egress{Interface: "tc0", Mark: 7}, "10.79.0.1"},
			{"with a source that is not ours", "10.79.0.2", source("10.79.0.4"), "source 10.79.0.4: cannot assign requested address"},
			{"by another interface", "10.79.0.2", sdk.Egress{Interface: "lo"}, "timeout after 500ms: connect 10.79.0.2:80"},
			{"by none", "10.79.0.2", sdk.Egress{Interface: "tc7"}, "interface tc7: no such device"},
			{"a host that is not there", "10.79.0.9", sdk.Egress{Interface: "tc0"}, "connect 10.79.0.9:80: no route to host"},
			{"a network that is not there", "203.0.113.1", sdk.Egress{}, "connect 203.0.113.1:80: network is unreachable"},
		} {
			if got := probe(tt.to, tt.egress); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
	}
}
