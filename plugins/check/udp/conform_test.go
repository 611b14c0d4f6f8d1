package udp

import (
	"encoding/json"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"payload":"status\n","reply_match":"^ok"}`,
			`{"payload_hex":"00 ff","reply_hex":"00 1x xx","min_reply_length":3,"max_reply_length":512}`,
			`{"require_reply":true}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"payload":"a","payload_hex":"00"}`, Path: "payload_hex"},
			{Config: `{"payload_hex":"0"}`, Path: "payload_hex"},
			{Config: `{"reply_hex":"0"}`, Path: "reply_hex"},
			{Config: `{"reply_hex":"0g"}`, Path: "reply_hex"},
			{Config: `{"reply_match":"("}`, Path: "reply_match"},
			{Config: `{"min_reply_length":-1}`, Path: "min_reply_length"},
			{Config: `{"min_reply_length":20,"max_reply_length":10}`, Path: "min_reply_length"},
			{Config: `{"max_reply_length":65508}`, Path: "max_reply_length"},
		},
		Up: func(t *testing.T) sdk.Target {
			target := sdktest.Answers(t, func([]byte) [][]byte { return [][]byte{[]byte("ok")} })
			target.Config = json.RawMessage(`{"require_reply":true}`)
			return target
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.NobodyAnswers(t) },
	})
}
