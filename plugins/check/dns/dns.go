// Package dns is check "dns": a real server is up when it answers a question as it should.
//
// The codec is github.com/miekg/dns, which writes the data of every type of record as zone files have it, so that answers
// can be compared; golang.org/x/net/dns/dnsmessage is smaller and writes none.
package dns

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "dns".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name:    "dns",
		Version: "1.0.0",
		Schema:  sdk.Schema{Doc: "Asks a question by DNS; up when the answer is right.", Egress: true},
	}, probe)
}

// probe asks and judges the answer.
func probe(ctx context.Context, t sdk.Target, c Config) error {
	ask := askUDP
	if c.Protocol == "tcp" {
		ask = askTCP
	}
	m, err := ask(ctx, t, &c)
	if err == nil && m.Truncated && c.Protocol == "udp" && c.TCPFallback {
		m, err = askTCP(ctx, t, &c)
	}
	if err != nil {
		return err
	}
	return c.judge(m)
}

// query makes the question, with an ID that nobody can guess.
func (c *Config) query() *dns.Msg {
	return &dns.Msg{
		MsgHdr:   dns.MsgHdr{Id: dns.Id(), Opcode: dns.OpcodeQuery, RecursionDesired: c.Recursion},
		Question: []dns.Question{c.question},
	}
}

// maxUDP is how many bytes of an answer by UDP are looked at. Without EDNS there are 512, RFC 1035, section 4.2.1; some
// servers do not count.
const maxUDP = 4096

func askUDP(ctx context.Context, t sdk.Target, c *Config) (*dns.Msg, error) {
	query := c.query()
	b, err := query.Pack()
	if err != nil {
		return nil, fmt.Errorf("making the question: %w", err)
	}
	var answer *dns.Msg
	_, err = sdk.Exchange(ctx, t, b, maxUDP, func(b []byte) (err error) {
		answer, err = read(b, query)
		return err
	})
	return answer, err
}

func askTCP(ctx context.Context, t sdk.Target, c *Config) (*dns.Msg, error) {
	const waiting = "waiting for the answer"
	query := c.query()
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.Bound(2 + dns.MaxMsgSize)
	framed := &dns.Conn{Conn: conn}
	if err := framed.WriteMsg(query); err != nil {
		return nil, conn.Reason(err, "sending the question")
	}
	b, err := framed.ReadMsgHeader(nil)
	if err != nil {
		return nil, conn.Reason(err, waiting)
	}
	return read(b, query)
}

// read reads the answer to a query, or says why it is none.
func read(b []byte, query *dns.Msg) (*dns.Msg, error) {
	m := new(dns.Msg)
	err := m.Unpack(b)
	asked := query.Question[0]
	switch {
	case err != nil && len(b) < headerBytes:
		return nil, fmt.Errorf("not DNS: it begins with %q", b)
	case err != nil && (m.Id != query.Id || !m.Response):
		return nil, fmt.Errorf("not DNS: it begins with %q", b[:headerBytes])
	case !m.Response || m.Opcode != dns.OpcodeQuery:
		return nil, errors.New("not an answer")
	case m.Id != query.Id:
		return nil, errors.New("the answer to another question: its ID is wrong")
	case err != nil:
		return nil, fmt.Errorf("a broken answer: %s", strings.TrimPrefix(err.Error(), "dns: "))
	case len(m.Question) == 0 && m.Rcode != dns.RcodeSuccess: // some servers do not repeat what they refuse
		return m, nil
	case len(m.Question) != 1 || m.Question[0].Qtype != asked.Qtype || m.Question[0].Qclass != asked.Qclass ||
		dns.CanonicalName(m.Question[0].Name) != dns.CanonicalName(asked.Name):
		return nil, errors.New("the answer to another question")
	}
	return m, nil
}

// headerBytes is the length of a message's header, RFC 1035, section 4.1.1.
const headerBytes = 12
