package imap

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"user":"anonymous"}`, `{"user":"monitor","password":"secret"}`,
			`{"tls":true,"sni":"imap.example.com"}`, `{"starttls":true,"verify":false}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"password":"secret"}`, Path: "password"},
			{Config: `{"user":"a\r\nDELE b"}`, Path: "user"},
			{Config: `{"user":"a","password":"b\nc"}`, Path: "password"},
			{Config: `{"user":"a","password":"\u00fc"}`, Path: "password"},
			{Config: `{"tls":true,"starttls":true}`, Path: "starttls"},
		},
		Up: func(t *testing.T) sdk.Target {
			return sdktest.TargetAt(sdktest.Script(t, nil, "S: * OK ready", "C: a1 NOOP", "S: a1 OK", "C: a2 LOGOUT", "S: * BYE"))
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestRecordings(t *testing.T) { sdktest.Recordings(t, Plugin()) }

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"user":"a"}`, "* OK\r\na1 OK\r\na2 OK\r\n* BYE\r\n", "* PREAUTH\r\n* BYE a\r\na1 NO\r\n")
}
