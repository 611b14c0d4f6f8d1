package vrrp

import (
	"runtime"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

func TestNSConformance(t *testing.T) {
	s := netspace.New(t)
	sdktest.Conform(t, within(func() error {
		runtime.LockOSThread()
		return s.Enter()
	}), sdktest.Case{Instances: []sdk.VRRPInstance{virtualRouter()}})
}
