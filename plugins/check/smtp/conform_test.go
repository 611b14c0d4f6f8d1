package smtp

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"helo":"lb.example.com"}`, `{"helo":"[192.0.2.1]"}`,
			`{"tls":true,"sni":"mail.example.com","ca_file":"/data/tls/ca.pem"}`,
			`{"starttls":true,"verify":false}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"helo":"a b"}`, Path: "helo"},
			{Config: `{"helo":"a\r\nQUIT"}`, Path: "helo"},
			{Config: `{"tls":true,"starttls":true}`, Path: "starttls"},
			{Config: `{"verify":false}`, Path: "verify"},
		},
		Up: func(t *testing.T) sdk.Target {
			return sdktest.TargetAt(sdktest.Script(t, nil, "S: 220 mail.example.com ESMTP", "C: EHLO [127.0.0.1]", "S: 250 hello", "C: QUIT", "S: 221 bye"))
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestRecordings(t *testing.T) { sdktest.Recordings(t, Plugin()) }

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{}`, "220 a\r\n250 b\r\n221 c\r\n", "220-a\r\n220 b\r\n500 c\r\n250 d\r\n")
}
