package ldap

import (
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"bind_dn":"cn=monitor,dc=example,dc=com","password":"secret","base":"dc=example,dc=com","filter":"(&(uid=a)(!(objectClass=b)))"}`,
			`{"tls":true,"sni":"ldap.example.com"}`, `{"starttls":true,"verify":false}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"base":"example.com"}`, Path: "base"},
			{Config: `{"filter":"uid=("}`, Path: "filter"},
			{Config: `{"bind_dn":"monitor","password":"a"}`, Path: "bind_dn"},
			{Config: `{"bind_dn":"cn=monitor"}`, Path: "bind_dn"},
			{Config: `{"password":"secret"}`, Path: "password"},
			{Config: `{"tls":true,"starttls":true}`, Path: "starttls"},
		},
		Up:   func(t *testing.T) sdk.Target { return sdktest.TargetAt(directory(t, nil, foundEntry, success(5))) },
		Down: func(t *testing.T) sdk.Target { return sdktest.TargetAt(sdktest.Unused(t, 1)[0]) },
	})
}

func TestHostileServers(t *testing.T) { sdktest.Survives(t, Plugin(), `{}`) }

func TestHostileServersBeforeTLS(t *testing.T) { sdktest.Survives(t, Plugin(), `{"starttls":true}`) }

func FuzzServer(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"bind_dn":"cn=a","password":"b"}`, message(1, success(1))+message(2, foundEntry)+message(2, success(5)))
}

func FuzzStartTLS(f *testing.F) {
	sdktest.FuzzServer(f, Plugin(), `{"starttls":true}`, message(1, success(24)), message(1, refusal(24, 2, "no TLS")))
}
