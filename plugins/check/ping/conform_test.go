package ping

import (
	"syscall"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	answers := plugin(func(f family, e sdk.Egress) (conn, error) {
		if e.Source.IsValid() {
			return nil, &sdk.EgressError{What: "source", Err: syscall.EADDRNOTAVAIL} // as the kernel says of one that it has not got
		}
		if f == ipv6Family {
			return refusing{newWire(f, nothing)}, nil
		}
		return newWire(f, replies), nil
	})
	sdktest.Conform(t, answers, sdktest.Case{
		Good: []string{`{"count":3,"size":1472,"ttl":1}`},
		Bad: []sdktest.Bad{
			{Config: `{"count":0}`, Path: "count"},
			{Config: `{"count":11}`, Path: "count"},
			{Config: `{"size":15}`, Path: "size"},
			{Config: `{"size":65508}`, Path: "size"},
			{Config: `{"ttl":0}`, Path: "ttl"},
			{Config: `{"ttl":256}`, Path: "ttl"},
		},
		Up:   func(*testing.T) sdk.Target { return at("192.0.2.1") },
		Down: func(*testing.T) sdk.Target { return at("2001:db8::1") },
	})
}
