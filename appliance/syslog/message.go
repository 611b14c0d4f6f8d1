// Package syslog keeps a box's log: in memory, on the data partition, and on other machines (RFC 5424).
//
// Everything that a box says goes into the kernel's log, the programs' lines too. From there it goes into a [Ring] for who
// looks at it, into a [File] that survives a restart, and to a [Sender] for each server. All of them are bounded, and none of
// them waits for another: a server that is away costs messages, which are counted, and nothing else.
package syslog

import (
	"fmt"
	"strings"
	"time"
)

// A Message is a line of the log.
type Message struct {
	Time     time.Time
	Facility uint8  // RFC 5424 section 6.2.1
	Severity uint8  // 0 emergency ... 7 debug
	Program  string // "kernel", "evenkeel"
	Text     string // one line
}

// String is the line as a person reads it.
func (m Message) String() string {
	return fmt.Sprintf("%s %s: %s", m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), m.Program, m.Text)
}

// mostText bounds a message's text in bytes: every receiver takes 2048 bytes in all (RFC 5424 section 6.1).
const mostText = 1800

// Format is the message by RFC 5424, without framing. The text is UTF-8, and says so (section 6.4).
func (m Message) Format(host string) []byte {
	text := strings.ToValidUTF8(m.Text, "?")
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText], "") + "..."
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' ' // a receiver may end a line where it likes
		}
		return r
	}, text)
	return fmt.Appendf(nil, "<%d>1 %s %s %s - - - \ufeff%s", int(m.Facility)<<3|int(m.Severity&7),
		m.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), name(host, 255), name(m.Program, 48), text)
}

// name is a field of printable ASCII without spaces; "-" for none.
func name(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}
