package ssh

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{`{"private_key_file":"/data/ssh/id_ed25519","known_hosts_file":"/data/ssh/known_hosts"}`},
		Bad:  []sdktest.Bad{{Config: `{"private_key_file":"/k","known_hosts_file":"/h","port":0}`, Path: "port"}},
	})
}
