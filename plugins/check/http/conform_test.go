package http

import (
	"net"
	"net/http/httptest"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	target := func(a net.Addr) sdk.Target {
		at := a.(*net.TCPAddr).AddrPort()
		return sdk.Target{Address: at.Addr(), Port: at.Port()}
	}
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"path":"/health?a=b","host":"www.example.com","status":["200","401-403"],"headers":{"X-Check":"yes"}}`,
			`{"tls":true,"verify":false,"http_version":"2"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"path":"health"}`, Path: "path"},
			{Config: `{"status":["200","ok"]}`, Path: "status.1"},
			{Config: `{"body_match":"("}`, Path: "body_match"},
			{Config: `{"http_version":"3"}`, Path: "http_version"},
			{Config: `{"headers":{"Host":"a"}}`, Path: "headers.Host"},
		},
		Up: func(t *testing.T) sdk.Target {
			s := httptest.NewServer(site())
			t.Cleanup(s.Close)
			return target(s.Listener.Addr())
		},
		Down: func(t *testing.T) sdk.Target { return target(sdktest.Unused(t, 1)[0]) },
	})
}
