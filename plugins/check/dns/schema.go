package dns

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "dns" may hold beside what every check has.
type Config struct {
	Name        string   `attr:"name" default:"." doc:"what to ask for"`
	Type        string   `attr:"type" default:"SOA" doc:"type of the records to ask for"`
	Protocol    string   `attr:"protocol" default:"udp" oneof:"udp,tcp" doc:"how to ask"`
	TCPFallback bool     `attr:"tcp_fallback" default:"true" doc:"whether an answer that is truncated by UDP is asked for again by TCP"`
	Recursion   bool     `attr:"recursion" default:"true" doc:"whether the server is to ask others"`
	Rcode       []string `attr:"rcode" default:"NOERROR" doc:"response codes that are good"`
	MinAnswers  int      `attr:"min_answers" default:"1" doc:"records of the type that an answer with NOERROR has at least"`
	Answers     []string `attr:"answers" doc:"data that records of the answer must have, all of them"`
	AnswerMatch string   `attr:"answer_match" doc:"regular expression that the data of a record must match"`

	question dns.Question
	rcodes   map[int]bool
	answers  []dns.RR
	match    *regexp.Regexp // nil: none
}

// Validate refuses what cannot work, and prepares the rest.
func (c *Config) Validate() []sdk.Diagnostic {
	var list []sdk.Diagnostic
	add := func(summary, detail string, path ...string) {
		list = append(list, sdk.Diagnostic{Path: path, Summary: summary, Detail: detail})
	}
	if _, ok := dns.IsDomainName(c.Name); !ok || c.Name == "" {
		add("not a domain name", `write "www.example.com", or "." for the root`, "name")
	}
	kind, ok := typeNamed(c.Type)
	if !ok {
		add("not a type to ask for", `write "A", "AAAA", "MX", or a number as "TYPE65"`, "type")
	}
	c.question = dns.Question{Name: dns.Fqdn(c.Name), Qtype: kind, Qclass: dns.ClassINET}
	if len(c.Rcode) == 0 {
		add("no response codes", `without any, no answer would be good: write ["NOERROR"]`, "rcode")
	}
	c.rcodes = make(map[int]bool)
	for i, name := range c.Rcode {
		code, ok := dns.StringToRcode[strings.ToUpper(name)]
		if !ok || code > 0xf {
			add("not a response code", `write "NOERROR", "NXDOMAIN", "REFUSED"`, "rcode", strconv.Itoa(i))
		}
		c.rcodes[code] = true
	}
	if c.MinAnswers < 0 {
		add("no such number of records", "it is 0 or more", "min_answers")
	}
	for i, data := range c.Answers {
		rr, err := dns.NewRR(fmt.Sprintf(". 0 IN %s %s", dns.Type(kind), data))
		if err != nil || rr == nil || strings.ContainsAny(data, "\n\r") {
			add("not the data of a record of type "+c.Type, `write it as a zone file has it: "192.0.2.1", "10 mail.example.com."`, "answers", strconv.Itoa(i))
		}
		c.answers = append(c.answers, rr)
	}
	if c.AnswerMatch != "" {
		var err error
		if c.match, err = regexp.Compile(c.AnswerMatch); err != nil {
			add("not a regular expression", strings.TrimPrefix(err.Error(), "error parsing regexp: "), "answer_match")
		}
	}
	return list
}

// notAsked are types that no question for records may have: a transfer has an answer of another shape, and the others are
// part of the protocol (RFC 6895, section 3.1). ANY is a question.
var notAsked = map[uint16]bool{
	dns.TypeNone: true, dns.TypeOPT: true, dns.TypeTSIG: true, dns.TypeTKEY: true, dns.TypeAXFR: true, dns.TypeIXFR: true,
}

// typeNamed returns the type of a name, or of "TYPE65" (RFC 3597, section 5).
func typeNamed(name string) (uint16, bool) {
	name = strings.ToUpper(name)
	kind, ok := dns.StringToType[name]
	if !ok {
		n, err := strconv.ParseUint(strings.TrimPrefix(name, "TYPE"), 10, 16)
		if err != nil || !strings.HasPrefix(name, "TYPE") {
			return 0, false
		}
		kind = uint16(n)
	}
	return kind, !notAsked[kind]
}
