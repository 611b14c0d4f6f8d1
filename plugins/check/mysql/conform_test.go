package mysql

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// packetOf is a packet as it is sent.
func packetOf(number byte, s string) string {
	return string([]byte{byte(len(s)), 0, 0, number}) + s
}

// What a server says that speaks no TLS, in packets of the protocol's version 10.
var (
	greeting = packetOf(0, "\x0a10.11.6-MariaDB\x00\x07\x00\x00\x00abcdefgh\x00\xfe\xf7\x2d\x02\x00\xff\x81\x15"+
		"\x00\x00\x00\x00\x00\x00\x1d\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00")
	accepted = packetOf(2, ok)
	answered = packetOf(1, ok)
)

const ok = "\x00\x00\x00\x02\x00\x00\x00"

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"user":"evenkeel","password":"secret","database":"shop","query":"SELECT 1","row_match":"^1$"}`,
			`{"user":"evenkeel","tls":true,"sni":"db.example.com","ca_file":"/data/tls/ca.pem"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"user":""}`, Path: "user"},
			{Config: `{"user":"a","query":"SELECT 1","row_match":"("}`, Path: "row_match"},
			{Config: `{"user":"a","row_match":"1"}`, Path: "row_match"},
			{Config: `{"user":"a","verify":false}`, Path: "verify"},
			{Config: `{"user":"a","database":"b\u0000"}`, Path: "database"},
		},
		Up: func(t *testing.T) sdk.Target {
			target := sdktest.TargetAt(talks(t, greeting, accepted, answered))
			target.Config = []byte(`{"user":"evenkeel"}`)
			return target
		},
		Down: func(t *testing.T) sdk.Target {
			target := sdktest.TargetAt(sdktest.Unused(t, 1)[0])
			target.Config = []byte(`{"user":"evenkeel"}`)
			return target
		},
	})
}

func TestHostileServers(t *testing.T) {
	sdktest.Survives(t, Plugin(), `{"user":"evenkeel"}`)
}

func TestHostileServersAndAQueryByTLS(t *testing.T) {
	sdktest.Survives(t, Plugin(), `{"user":"evenkeel","tls":true,"query":"SELECT 1"}`)
}

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"user":"evenkeel","password":"x","query":"SELECT 1"}`,
		greeting+accepted, greeting+accepted+"\x01\x00\x00\x01\x01", greeting+"\xff\x00\x00\x02\xfe", greeting+"\x02\x00\x00\x02\x01\x03")
}
