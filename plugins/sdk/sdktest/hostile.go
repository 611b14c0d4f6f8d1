package sdktest

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/contract"
)

// A HostileServer is one that no probe of a protocol over TCP may find up, nor suffer from.
type HostileServer struct {
	Name  string
	Says  string // if it says but one thing
	Start func(t *testing.T) net.Addr
}

// HostileServers are those that each type has in its tests: a server that sends nothing, sends for ever, sends garbage,
// resets, or speaks another protocol.
func HostileServers() []HostileServer {
	var all []HostileServer
	add := func(name string, start func(t *testing.T) net.Addr) {
		all = append(all, HostileServer{Name: name, Start: start})
	}
	add("nothing", Silent)
	add("nothing, and hangs up", func(t *testing.T) net.Addr { return Accept(t, func(*net.TCPConn) {}) })
	add("nothing, and resets", func(t *testing.T) net.Addr { return Script(t, nil, "RST") })
	add("a byte at a time", func(t *testing.T) net.Addr {
		return Accept(t, func(c *net.TCPConn) {
			for range 500 {
				if _, err := io.WriteString(c, "2"); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	})
	for _, endless := range []struct{ name, more string }{
		{"one line", "x"},
		{"lines", "hello\r\n"},
		{"line breaks", "\n"},
		{"zeros", "\x00"},
		{"ones", "\xff"},
		{"greetings", "220-\r\n"},
		{"untagged lines", "* OK\r\n"},
		{"large numbers", "0\x84\x7f\xff\xff\xff"},
	} {
		add(endless.name+" for ever", func(t *testing.T) net.Addr { return Endless(t, "", endless.more) })
	}
	for _, said := range []struct{ name, sentence string }{
		{"garbage", "\x1b[2J\xfe\xdc\xba\x98\x76\x54\x32\x10\r\n\r\n\r\n"},
		{"a line of nothing", "\r\n"},
		{"a prompt", "> "},
		{"SSH", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"},
		{"a TLS alert", "\x15\x03\x01\x00\x02\x02\x46"},
		{"an HTTP/2 preface", "\x00\x00\x12\x04\x00\x00\x00\x00\x00"},
		{"MySQL", "\x4a\x00\x00\x00\x0a8.0.36\x00\x0b\x00\x00\x00abcdefgh\x00\xff\xf7\xff\x02\x00\xff\xdf\x15\x00"},
		{"a length of all there is", "\x30\x84\x7f\xff\xff\xff\x02\x01\x01"},
		{"a length beyond all there is", "\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01\x01"},
		{"a literal of all there is", "* OK {9223372036854775807}\r\n"},
		{"a bulk string of all there is", "$9223372036854775807\r\n"},
		{"a nest of lists", strings.Repeat("*1\r\n", 10000)},
		{"a nest of sequences", strings.Repeat("\x30\x80", 30000)},
	} {
		all = append(all, HostileServer{said.name, said.sentence, func(t *testing.T) net.Addr { return Greet(t, said.sentence) }})
		add(said.name+", and hangs up", func(t *testing.T) net.Addr { return Answer(t, said.sentence) })
	}
	return all
}

// maxMemory is how much a probe of a hostile server may allocate, in bytes.
const maxMemory = 16 << 20

// Survives probes each of HostileServers with a configuration, and complains if one is up, if a reason is none that an
// operator can read, if a probe goes on after its time-out, or if it takes much memory.
func Survives(t *testing.T, p sdk.Plugin, config string) {
	t.Helper()
	allSurvived(t, p, config, Ask)
}

// SurvivesBySchedule is Survives for probes that the plugin begins by itself: those of its sdk.Starter, if there is one.
func SurvivesBySchedule(t *testing.T, p sdk.Plugin, config string) {
	t.Helper()
	allSurvived(t, p, config, AskBySchedule)
}

// An asking is Ask or AskBySchedule.
type asking func(t testing.TB, p sdk.Plugin, target sdk.Target, config string, timeout time.Duration) string

func allSurvived(t *testing.T, p sdk.Plugin, config string, ask asking) {
	t.Helper()
	for _, s := range HostileServers() {
		t.Run(s.Name, func(t *testing.T) {
			for _, complaint := range survives(t, p, config, s, ask) {
				t.Error(complaint)
			}
		})
	}
}

// survives returns what is wrong with a probe of one of them.
func survives(t *testing.T, p sdk.Plugin, config string, s HostileServer, ask asking) (wrong []string) {
	const timeout = 200 * time.Millisecond
	target := TargetAt(s.Start(t))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	reason := ask(t, p, target, config, timeout)
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	t.Log(reason)
	if wrong = contract.Reason(reason); reason == "" {
		wrong = append(wrong, "it is up")
	}
	if took > timeout+2*time.Second {
		wrong = append(wrong, fmt.Sprintf("the probe takes %s", took))
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > maxMemory {
		wrong = append(wrong, fmt.Sprintf("the probe allocates %d MiB", took>>20))
	}
	return wrong
}
