package sip

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// version begins an answer's first line and ends a request's.
const version = "SIP/2.0"

// A request is one for OPTIONS: RFC 3261, section 11.
type request struct {
	uri, from, via, contact string
	id                      string // of the call, and in the tag and the branch: nobody can guess it
}

// newRequest makes a request that is sent from an address.
func newRequest(c *Config, t sdk.Target, transport string, local netip.AddrPort) *request {
	r := &request{uri: c.URI, from: c.From, id: rand.Text()}
	r.via = version + "/" + transport + " " + hostPort(local)
	r.contact = "sip:evenkeel@" + hostPort(local) + ";transport=" + strings.ToLower(transport)
	if r.uri == "" {
		r.uri = "sip:" + hostPort(netip.AddrPortFrom(t.Address, t.Port))
	}
	if r.from == "" {
		r.from = "sip:evenkeel@" + hostOf(local.Addr())
	}
	return r
}

// hostPort writes an address and a port as SIP does: RFC 3261, section 25.1.
func hostPort(a netip.AddrPort) string {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()).String()
}

// hostOf writes an address as the host of a URI.
func hostOf(a netip.Addr) string {
	if a = a.Unmap().WithZone(""); a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// branch is what the answer's topmost Via must have. It begins as RFC 3261, section 8.1.1.7, wants it.
func (r *request) branch() string { return "z9hG4bK" + r.id }

// bytes returns the request as it is sent. rport asks for an answer to the port that it came from, RFC 3581.
func (r *request) bytes() []byte {
	return fmt.Appendf(nil, "OPTIONS %[1]s %[2]s\r\n"+
		"Via: %[3]s;rport;branch=%[4]s\r\n"+
		"Max-Forwards: 70\r\n"+
		"From: <%[5]s>;tag=%[6]s\r\n"+
		"To: <%[1]s>\r\n"+
		"Call-ID: %[6]s\r\n"+
		"CSeq: 1 OPTIONS\r\n"+
		"Contact: <%[7]s>\r\n"+
		"Accept: application/sdp\r\n"+
		"User-Agent: evenkeel\r\n"+
		"Content-Length: 0\r\n\r\n",
		r.uri, version, r.via, r.branch(), r.from, r.id, r.contact)
}

// answeredBy says why an answer is not the final one to the request: RFC 3261, section 17.1.3.
func (r *request) answeredBy(a *answer) error {
	switch {
	case a.branch != r.branch() || a.method != "OPTIONS":
		return errors.New("the answer to another request")
	case a.status < 200:
		return fmt.Errorf("%s, which is not final", a)
	}
	return nil
}

// An answer is the head of one.
type answer struct {
	status int
	reason string // the server's phrase
	branch string // of the topmost Via
	method string // of CSeq
	length int    // of the body, in bytes
}

// String returns "SIP 200 OK".
func (a *answer) String() string {
	return strings.TrimSpace(fmt.Sprintf("SIP %d %s", a.status, dialog.Short(a.reason)))
}

// parse reads the head of an answer, without the empty line at its end.
func parse(head string) (*answer, error) {
	first, headers, _ := strings.Cut(head, "\r\n")
	v, rest, _ := strings.Cut(first, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if v != version || err != nil || len(code) != 3 || status < 100 || status > 699 { // RFC 3261, section 7.2
		return nil, notAnAnswer(first)
	}
	a := &answer{status: int(status), reason: reason}
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(headers + "\r\n\r\n"))).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("not SIP: %s", dialog.Short(err.Error()))
	}
	// Long names, and the compact ones of RFC 3261, section 7.3.3.
	a.branch = parameter(either(h, "Via", "V"), "branch")
	_, a.method, _ = strings.Cut(h.Get("CSeq"), " ")
	a.method = strings.TrimSpace(a.method)
	if s := either(h, "Content-Length", "L"); s != "" {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("not SIP: Content-Length is %q", dialog.Short(s))
		}
		a.length = int(n)
	}
	return a, nil
}

// either returns the first header of one of two names.
func either(h textproto.MIMEHeader, name, compact string) string {
	if v := h.Get(name); v != "" {
		return v
	}
	return h.Get(compact)
}

// parameter returns a parameter of a header's first value: "a;b=c, d" has b of c.
func parameter(header, name string) string {
	first, _, _ := strings.Cut(header, ",")
	_, list, _ := strings.Cut(first, ";")
	for p := range strings.SplitSeq(list, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
