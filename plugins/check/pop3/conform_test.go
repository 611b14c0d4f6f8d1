package pop3

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"user":"anonymous"}`, `{"user":"monitor","password":"secret"}`,
			`{"tls":true,"sni":"pop3.example.com"}`, `{"starttls":true,"verify":false}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"password":"secret"}`, Path: "password"},
			{Config: `{"user":"a\r\nDELE b"}`, Path: "user"},
			{Config: `{"user":"a","password":"b\nc"}`, Path: "password"},
			{Config: `{"tls":true,"starttls":true}`, Path: "starttls"},
		},
		Up: func(t *testing.T) sdk.Target {
			return sdktest.TargetAt(sdktest.Script(t, nil, "S: +OK ready", "C: QUIT", "S: +OK bye"))
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestRecordings(t *testing.T) { sdktest.Recordings(t, Plugin()) }

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"user":"a"}`, "+OK\r\n+OK b\r\n-ERR c\r\n", "+OK a\r\n+OK\r\n+OK\r\n+OK\r\n")
}
