package radius

import (
	"encoding/json"
	"strings"
	"testing"

	"layeh.com/radius"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"secret":"s","user":"check","password":"p","replies":["accept","reject","challenge"]}`,
			`{"secret":"s","user":"check"}`,
			`{"secret":"s","status_server":true,"require_message_authenticator":true,"nas_identifier":"lb1"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"secret":"","user":"a"}`, Path: "secret"},
			{Config: `{"secret":"s"}`, Path: "user"},
			{Config: `{"secret":"s","status_server":true,"user":"a"}`, Path: "user"},
			{Config: `{"secret":"s","status_server":true,"password":"a"}`, Path: "password"},
			{Config: `{"secret":"s","user":"` + strings.Repeat("x", 254) + `"}`, Path: "user"},
			{Config: `{"secret":"s","user":"a","password":"` + strings.Repeat("x", 254) + `"}`, Path: "password"},
			{Config: `{"secret":"s","user":"a","nas_identifier":""}`, Path: "nas_identifier"},
			{Config: `{"secret":"s","user":"a","replies":[]}`, Path: "replies"},
			{Config: `{"secret":"s","user":"a","replies":["accept","Accept"]}`, Path: "replies.1"},
		},
		Up: func(t *testing.T) sdk.Target {
			target := answers(t, radius.CodeAccessAccept, nil)
			target.Config = json.RawMessage(check)
			return target
		},
		Down: func(t *testing.T) sdk.Target {
			target := sdktest.NobodyAnswers(t)
			target.Config = json.RawMessage(check)
			return target
		},
	})
}
