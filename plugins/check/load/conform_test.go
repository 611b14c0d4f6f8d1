package load

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	const ssh = `"ssh":{"user":"a","private_key_file":"/k","known_hosts_file":"/h"}`
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"low":0.7,"high":2.5,"least":20,"minutes":5,"processors":4,"unreachable":"keep",` + ssh + `}`,
			`{"high":2,"snmp":{"community":"secret","port":1161}}`,
			`{"high":2,"snmp":{"version":"3","user":"evenkeel","auth":"SHA256","auth_password":"12345678","privacy_password":"87654321"}}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"high":2}`},
			{Config: `{"high":2,` + ssh + `,"snmp":{}}`, Path: "snmp"},
			{Config: `{"low":-1,"high":2,` + ssh + `}`, Path: "low"},
			{Config: `{"low":2,"high":2,` + ssh + `}`, Path: "high"},
			{Config: `{"high":2,"least":0,` + ssh + `}`, Path: "least"},
			{Config: `{"high":2,"least":100,` + ssh + `}`, Path: "least"},
			{Config: `{"high":2,"minutes":2,` + ssh + `}`, Path: "minutes"},
			{Config: `{"high":2,"processors":-1,` + ssh + `}`, Path: "processors"},
			{Config: `{"high":2,"ssh":{"user":"a","private_key_file":"k","known_hosts_file":"/h"}}`, Path: "ssh.private_key_file"},
			{Config: `{"high":2,"ssh":{"user":"","private_key_file":"/k","known_hosts_file":"/h"}}`, Path: "ssh.user"},
			{Config: `{"high":2,"snmp":{"user":"a"}}`, Path: "snmp.user"},
			{Config: `{"high":2,"snmp":{"version":"3"}}`, Path: "snmp.user"},
			{Config: `{"high":2,"snmp":{"version":"3","user":"a","privacy_password":"12345678"}}`, Path: "snmp.privacy_password"},
			{Config: `{"high":2,"snmp":{"version":"3","user":"a","auth_password":"1234567"}}`, Path: "snmp.auth_password"},
		},
		Up: func(t *testing.T) sdk.Target { return newServer(t, "0.20 0.18 0.12 1/80 11206\n4\n").target() },
		Down: func(t *testing.T) sdk.Target {
			s := newServer(t, "")
			target := s.target()
			s.listener.Close()
			return target
		},
	})
}
