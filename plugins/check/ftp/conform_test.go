package ftp

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"user":"anonymous"}`, `{"user":"monitor","password":"secret"}`,
			`{"tls":true,"sni":"ftp.example.com"}`, `{"starttls":true,"verify":false}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"password":"secret"}`, Path: "password"},
			{Config: `{"user":"a\r\nDELE b"}`, Path: "user"},
			{Config: `{"user":"a","password":"b\nc"}`, Path: "password"},
			{Config: `{"tls":true,"starttls":true}`, Path: "starttls"},
		},
		Up: func(t *testing.T) sdk.Target {
			return sdktest.TargetAt(sdktest.Script(t, nil, "S: 220 ready", "C: QUIT", "S: 221 bye"))
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestRecordings(t *testing.T) { sdktest.Recordings(t, Plugin()) }

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"user":"a"}`, "220 a\r\n331 b\r\n230 c\r\n221 d\r\n", "220-a\r\n b\r\n220 c\r\n230 d\r\n")
}
