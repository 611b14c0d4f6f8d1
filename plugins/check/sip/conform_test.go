package sip

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"uri":"sip:check@example.com;transport=tcp","from":"sips:lb1@example.com","status":["200","404"],"protocol":"tcp"}`,
			`{"protocol":"tcp","tls":true,"verify":false}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"tls":true}`, Path: "protocol"},
			{Config: `{"protocol":"tcp","sni":"sip.example.com"}`, Path: "sni"},
			{Config: `{"uri":"example.com"}`, Path: "uri"},
			{Config: `{"uri":"sip:"}`, Path: "uri"},
			{Config: `{"uri":"tel:+49301234"}`, Path: "uri"},
			{Config: `{"uri":"sip:a b"}`, Path: "uri"},
			{Config: `{"uri":"sip:a\r\nX: y"}`, Path: "uri"},
			{Config: `{"from":"sip:a>"}`, Path: "from"},
			{Config: `{"status":["20"]}`, Path: "status.0"},
		},
		Up:   func(t *testing.T) sdk.Target { return says(t, "200 OK") },
		Down: func(t *testing.T) sdk.Target { return sdktest.NobodyAnswers(t) },
	})
}

func TestItSurvivesWhateverAServerDoes(t *testing.T) {
	for _, config := range []string{`{"protocol":"tcp"}`, `{"protocol":"tcp","tls":true,"verify":false}`} {
		t.Run(config, func(t *testing.T) { sdktest.Survives(t, Plugin(), config) })
	}
}
