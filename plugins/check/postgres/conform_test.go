package postgres

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

// What a server says: that it trusts, that it is ready, and one row of one column.
const (
	trusts   = "R\x00\x00\x00\x08\x00\x00\x00\x00"
	ready    = "Z\x00\x00\x00\x05I"
	column   = "T\x00\x00\x00\x1a\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00"
	row      = "D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x011"
	selected = "C\x00\x00\x00\x0dSELECT 1\x00"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"user":"evenkeel","password":"secret","database":"shop","query":"SELECT pg_is_in_recovery()","row_match":"^f$"}`,
			`{"user":"evenkeel","tls":true,"sni":"db.example.com","ca_file":"/data/tls/ca.pem"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"user":""}`, Path: "user"},
			{Config: `{"user":"a\u0000"}`, Path: "user"},
			{Config: `{"user":"a","database":""}`, Path: "database"},
			{Config: `{"user":"a","query":""}`, Path: "query"},
			{Config: `{"user":"a","row_match":"("}`, Path: "row_match"},
			{Config: `{"user":"a","verify":false}`, Path: "verify"},
		},
		Up: func(t *testing.T) sdk.Target {
			target := sdktest.TargetAt(talks(t, trusts+ready, column+row+selected+ready))
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

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{"user":"evenkeel"}`) }

func TestHostileServersByTLS(t *testing.T) {
	sdktest.Survives(t, Plugin(), `{"user":"evenkeel","tls":true}`)
}

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"user":"evenkeel","password":"x"}`,
		trusts+ready+column+row+selected+ready, "R\x00\x00\x00\x0c\x00\x00\x00\x05salt", "R\x00\x00\x00\x18\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00",
		"E\x00\x00\x00\x09SFATAL\x00\x00", trusts+ready+column)
}
