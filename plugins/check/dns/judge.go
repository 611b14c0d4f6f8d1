package dns

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// judge says what is wrong with an answer.
func (c *Config) judge(m *dns.Msg) error {
	asked := c.asked()
	if !c.rcodes[m.Rcode] {
		return fmt.Errorf("%s for %s%s", rcodeName(m.Rcode), asked, c.otherThan("NOERROR"))
	}
	records := c.records(m)
	if n := len(records); m.Rcode == dns.RcodeSuccess && n < c.MinAnswers {
		if n == 0 {
			return fmt.Errorf("no records for %s", asked)
		}
		return fmt.Errorf("%d records for %s, want at least %d", n, asked, c.MinAnswers)
	}
	for i, want := range c.answers {
		if !contains(records, want) {
			return fmt.Errorf("%s is not %s but %s", asked, c.Answers[i], list(records))
		}
	}
	if c.match != nil && !c.matches(records) {
		return fmt.Errorf("%s does not match %q, it is %s", asked, c.AnswerMatch, list(records))
	}
	return nil
}

// asked is the question as reasons have it: "example.com. A".
func (c *Config) asked() string {
	name := c.question.Name
	if name != "." {
		name = strings.TrimSuffix(name, ".")
	}
	return name + " " + strings.ToUpper(c.Type)
}

// otherThan says which response codes are good, when they are not just the usual one.
func (c *Config) otherThan(usual string) string {
	if len(c.Rcode) == 1 && strings.EqualFold(c.Rcode[0], usual) {
		return ""
	}
	return ", want " + strings.Join(c.Rcode, " or ")
}

// rcodeName is a response code in words.
func rcodeName(code int) string {
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return fmt.Sprintf("RCODE%d", code)
}

// records are those of the answer that were asked for. The names on the way to them (CNAME) are none.
func (c *Config) records(m *dns.Msg) []dns.RR {
	var records []dns.RR
	for _, rr := range m.Answer {
		h := rr.Header()
		if h.Class == dns.ClassINET && (h.Rrtype == c.question.Qtype || c.question.Qtype == dns.TypeANY) {
			records = append(records, rr)
		}
	}
	return records
}

// contains says whether one of the records has the data of want, whoever it belongs to.
func contains(records []dns.RR, want dns.RR) bool {
	for _, rr := range records {
		same := dns.Copy(want)
		same.Header().Name = rr.Header().Name
		if dns.IsDuplicate(rr, same) {
			return true
		}
	}
	return false
}

func (c *Config) matches(records []dns.RR) bool {
	for _, rr := range records {
		if c.match.MatchString(data(rr)) {
			return true
		}
	}
	return false
}

// data is what a record says, as a zone file has it: "10 mail.example.com.".
func data(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }

// list is the data of some records.
func list(records []dns.RR) string {
	if len(records) == 0 {
		return "nothing"
	}
	var all []string
	for i, rr := range records {
		if i == 3 {
			all = append(all, "...")
			break
		}
		all = append(all, dialog.Short(data(rr)))
	}
	return strings.Join(all, ", ")
}
