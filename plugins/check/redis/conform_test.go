package redis

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"user":"evenkeel","password":"secret","role":"master"}`,
			`{"tls":true,"sni":"cache.example.com","ca_file":"/data/tls/ca.pem"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"role":"slave"}`, Path: "role"},
			{Config: `{"user":"evenkeel"}`, Path: "user"},
			{Config: `{"verify":false}`, Path: "verify"},
		},
		Up: func(t *testing.T) sdk.Target {
			return sdktest.TargetAt(sdktest.Script(t, nil, "C: *1", "C: $4", "C: PING", "S: +PONG"))
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestHostileServersAskedForMore(t *testing.T) {
	sdktest.Survives(t, Plugin(), `{"password":"secret","role":"replica"}`)
}

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"password":"secret","role":"replica"}`,
		"+OK\r\n+PONG\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", "+OK\r\n+PONG\r\n*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:0\r\n",
		"-NOAUTH Authentication required.\r\n", "+OK\r\n+PONG\r\n*-1\r\n", "$-1\r\n")
}
