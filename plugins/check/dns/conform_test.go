package dns

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Conform(t, Plugin(), sdktest.Case{
		Good: []string{
			`{"name":"www.example.com","type":"a","rcode":["NOERROR","nxdomain"],"min_answers":0,"recursion":false}`,
			`{"name":"example.com.","type":"MX","answers":["10 mail.example.com."],"answer_match":"mail","protocol":"tcp"}`,
			`{"type":"TYPE65"}`,
			`{"type":"ANY"}`,
		},
		Bad: []sdktest.Bad{
			{Config: `{"name":""}`, Path: "name"},
			{Config: `{"name":"a..b"}`, Path: "name"},
			{Config: `{"type":"B"}`, Path: "type"},
			{Config: `{"type":"AXFR"}`, Path: "type"},
			{Config: `{"type":"TYPE65536"}`, Path: "type"},
			{Config: `{"rcode":[]}`, Path: "rcode"},
			{Config: `{"rcode":["NOERROR","OK"]}`, Path: "rcode.1"},
			{Config: `{"rcode":["BADVERS"]}`, Path: "rcode.0"},
			{Config: `{"min_answers":-1}`, Path: "min_answers"},
			{Config: `{"type":"A","answers":["192.0.2.1","2001:db8::1"]}`, Path: "answers.1"},
			{Config: `{"type":"A","answers":["192.0.2.1\n. 0 IN A 192.0.2.2"]}`, Path: "answers.0"},
			{Config: `{"type":"A","answers":[""]}`, Path: "answers.0"},
			{Config: `{"answer_match":"("}`, Path: "answer_match"},
		},
		Up: func(t *testing.T) sdk.Target {
			return answers(t, func(m *dns.Msg) { add(m, ". 0 IN SOA a. b. 1 2 3 4 5") })
		},
		Down: func(t *testing.T) sdk.Target { return sdktest.NobodyAnswers(t) },
	})
}
