package dns

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestNSNamed(t *testing.T) {
	server := sdktest.FreePort(t)
	dir := t.TempDir()
	sdktest.WriteFile(t, dir, "zone", `$TTL 60
@    IN SOA ns hostmaster 7 3600 600 86400 60
@    IN NS  ns
@    IN MX  10 mail
@    IN TXT "v=spf1 -all"
ns   IN A   127.0.0.1
www  IN CNAME web
web  IN A   192.0.2.1
web  IN AAAA 2001:db8::1
_sip._udp IN SRV 0 5 5060 sip
1    IN PTR web
$GENERATE 1-60 many IN A 192.0.2.$
`)
	conf := sdktest.WriteFile(t, dir, "named.conf", fmt.Sprintf(`
options {
	directory "%[1]s"; managed-keys-directory "%[1]s"; pid-file none; session-keyfile none;
	listen-on port %[2]d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no;
};
controls { };
zone "example.com" { type primary; file "%[1]s/zone"; };
zone "broken.example" { type primary; file "%[1]s/nowhere"; };
`, dir, server.Port))
	const mine = `"name":"example.com"`
	up := func() bool { return ask(t, server, `{`+mine+`}`, sdktest.Short.String()) == "" }
	sdktest.Process{Package: "bind9", Ready: up, Command: []string{"/usr/sbin/named", "-g", "-n", "1", "-c", conf}}.Start(t)
	for _, tt := range []struct{ config, want string }{
		{`{` + mine + `}`, ""},
		{`{` + mine + `,"answer_match":" 7 3600 "}`, ""},
		{`{` + mine + `,"protocol":"tcp"}`, ""},
		{`{` + mine + `,"type":"NS","answers":["ns.example.com."]}`, ""},
		{`{` + mine + `,"type":"MX","answers":["10 mail.example.com."]}`, ""},
		{`{` + mine + `,"type":"TXT","answers":["\"v=spf1 -all\""]}`, ""},
		{`{"name":"www.example.com","type":"CNAME","answers":["web.example.com."]}`, ""},
		{`{"name":"www.example.com","type":"A","answers":["192.0.2.1"]}`, ""},
		{`{"name":"www.example.com","type":"AAAA","answers":["2001:DB8:0::1"]}`, ""},
		{`{"name":"www.example.com","type":"A","answers":["192.0.2.9"]}`, "www.example.com A is not 192.0.2.9 but 192.0.2.1"},
		{`{"name":"_sip._udp.example.com","type":"SRV","answers":["0 5 5060 sip.example.com."]}`, ""},
		{`{"name":"1.example.com","type":"PTR","answer_match":"^web"}`, ""},
		{`{"name":"web.example.com","type":"MX"}`, "no records for web.example.com MX"},
		{`{"name":"many.example.com","type":"A","min_answers":60}`, ""},
		{`{"name":"nothing.example.com","type":"A"}`, "NXDOMAIN for nothing.example.com A"},
		{`{"name":"nothing.example.com","type":"A","rcode":["NXDOMAIN"]}`, ""},
		{`{"name":"broken.example","type":"A"}`, "SERVFAIL for broken.example A"},
		{`{"name":"www.example.org","type":"A"}`, "REFUSED for www.example.org A"},
		{`{}`, "REFUSED for . SOA"},
	} {
		if got := ask(t, server, tt.config, tt.want); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.config, got, tt.want)
		}
	}
	got := ask(t, server, `{"name":"many.example.com","type":"A","min_answers":60,"tcp_fallback":false}`, "")
	var n int
	if _, err := fmt.Sscanf(got, "%d records for many.example.com A, want at least 60", &n); err != nil {
		t.Errorf("without TCP the long answer is %q", got)
	}
}
