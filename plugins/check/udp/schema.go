package udp

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "udp" may hold beside what every check has.
type Config struct {
	Payload        string `attr:"payload" doc:"what to send, as text"`
	PayloadHex     string `attr:"payload_hex" doc:"what to send, in hexadecimal"`
	RequireReply   bool   `attr:"require_reply" default:"false" doc:"whether silence is down"`
	ReplyHex       string `attr:"reply_hex" doc:"how the reply must begin, in hexadecimal; x stands for any digit"`
	ReplyMatch     string `attr:"reply_match" doc:"regular expression that the reply must match"`
	MinReplyLength int    `attr:"min_reply_length" default:"0" doc:"of the shortest good reply, in bytes"`
	MaxReplyLength int    `attr:"max_reply_length" default:"65507" doc:"of the longest good reply, in bytes"`

	payload []byte
	pattern pattern
	match   *regexp.Regexp // nil: none
}

// maxDatagram is how many bytes a UDP datagram over IPv4 holds: 65535 less the headers of IP and UDP.
const maxDatagram = 65507

// Validate refuses what cannot work, and prepares the rest.
func (c *Config) Validate() []sdk.Diagnostic {
	var list []sdk.Diagnostic
	add := func(attribute, summary, detail string) {
		list = append(list, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	var err error
	c.payload = []byte(c.Payload)
	if c.PayloadHex != "" {
		if c.Payload != "" {
			add("payload_hex", "there is a payload already", "write one of payload and payload_hex")
		}
		if c.payload, err = hex.DecodeString(bare(c.PayloadHex)); err != nil {
			add("payload_hex", "not bytes in hexadecimal", `write two digits for each byte: "00 ff 1b"`)
		}
	}
	if len(c.payload) > maxDatagram {
		add("payload", "too long for a datagram", fmt.Sprintf("it holds %d bytes", maxDatagram))
	}
	if c.pattern, err = parsePattern(c.ReplyHex); err != nil {
		add("reply_hex", err.Error(), `write two digits for each byte, and x for those that may be any: "00 ff 1x xx"`)
	}
	if c.ReplyMatch != "" {
		if c.match, err = regexp.Compile(c.ReplyMatch); err != nil {
			add("reply_match", "not a regular expression", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	if c.MaxReplyLength < 0 || c.MaxReplyLength > maxDatagram {
		add("max_reply_length", "no such length of a datagram", fmt.Sprintf("it is a number from 0 to %d", maxDatagram))
	}
	if c.MinReplyLength < 0 || c.MinReplyLength > c.MaxReplyLength {
		add("min_reply_length", "no reply can be that long", fmt.Sprintf("it is a number from 0 to max_reply_length, which is %d", c.MaxReplyLength))
	}
	return list
}

// wantsReply says whether silence is down.
func (c *Config) wantsReply() bool {
	return c.RequireReply || c.ReplyHex != "" || c.ReplyMatch != "" || c.MinReplyLength > 0 || c.MaxReplyLength < maxDatagram
}

// bare returns hexadecimal digits without the spaces between them.
func bare(s string) string { return strings.Join(strings.Fields(s), "") }
