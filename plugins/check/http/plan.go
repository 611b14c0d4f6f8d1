package http

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// A plan is a configuration made ready to be used by many probes.
type plan struct {
	Config
	uri       string        // path and query as they are sent
	request   *http.Request // as far as it matters to who reads the answer
	header    http.Header
	headers   []byte // as they are sent by HTTP/1.1, but for Host and Connection
	statuses  dialog.Statuses
	match     *regexp.Regexp
	notMatch  *regexp.Regexp
	protocols []string // to offer by TLS (ALPN)
	http2     *http.Transport
	requests  []*plan   // those that a probe makes: itself, or one for each url
	readers   sync.Pool // of *bufio.Reader, nearly half of what a probe allocates
}

// compile makes a plan of a configuration, or says everything that is wrong with it.
func compile(c Config) (*plan, []sdk.Diagnostic) {
	if len(c.URLs) > 0 {
		return compileURLs(c)
	}
	p := &plan{Config: c, header: make(http.Header)}
	p.requests = []*plan{p}
	d := &complaints{}
	p.compileRequest(d)
	p.compileAnswer(d)
	p.compileTLS(d)
	if len(d.list) > 0 {
		return nil, d.list
	}
	p.compileHeaders()
	p.http2 = newHTTP2()
	return p, nil
}

// compileURLs makes a plan of several requests. What they have in common is complained about once, with the plain attributes.
func compileURLs(c Config) (*plan, []sdk.Diagnostic) {
	d := &complaints{}
	for _, a := range []struct {
		name    string
		written bool
	}{
		{"path", c.Path != "/"}, {"status", !slices.Equal(c.Status, []string{"200-299"})}, {"body_match", c.BodyMatch != ""},
		{"body_not_match", c.BodyNotMatch != ""}, {"body_sha256", c.BodySHA256 != ""}, {"body_md5", c.BodyMD5 != ""},
	} {
		if a.written {
			d.add("Beside url blocks it would be one more request: write it in a url block.", "of which url", a.name)
		}
	}
	common := URL{Path: "/", Status: []string{"200-299"}}.of(c)
	p, ds := compile(common)
	d.list = append(d.list, ds...)
	if len(ds) > 0 {
		return nil, d.list
	}
	p.requests = nil
	for i, u := range c.URLs {
		r, ds := compile(u.of(c))
		for _, one := range ds {
			one.Path = append([]string{"url", strconv.Itoa(i)}, one.Path...)
			d.list = append(d.list, one)
		}
		if r != nil {
			r.http2 = p.http2
			p.requests = append(p.requests, r)
		}
	}
	if len(d.list) > 0 {
		return nil, d.list
	}
	return p, nil
}

// complaints are what is wrong with a configuration.
type complaints struct{ list []sdk.Diagnostic }

func (d *complaints) add(detail, summary string, path ...string) {
	d.list = append(d.list, sdk.Diagnostic{Path: path, Summary: summary, Detail: detail})
}

// ownHeaders are those that the request has already, or that would make another kind of request of it.
var ownHeaders = map[string]string{
	"Host":              "The attribute host sets it.",
	"Connection":        "Each request has a connection of its own, which is closed after it.",
	"Content-Length":    "The request has no body.",
	"Transfer-Encoding": "The request has no body.",
	"Trailer":           "The request has no body.",
	"Expect":            "The request has no body.",
	"Upgrade":           "The attribute http_version chooses the protocol.",
}

func (p *plan) compileRequest(d *complaints) {
	u, err := url.Parse("http://host" + p.Path)
	switch {
	case !strings.HasPrefix(p.Path, "/"):
		d.add(`Write it from the server's root on: "/health".`, "the path does not begin with /", "path")
	case err != nil || strings.ContainsAny(p.Path, " #") || u.Host != "host":
		d.add(`Write spaces and the like as %20; a "#" is nothing that a server gets to see.`, "not a path that can be asked for", "path")
	default:
		p.uri = u.RequestURI()
	}
	if p.Host != "" {
		if name := hostName(p.Host); name == "" || strings.Contains(p.Host, "@") || !httpguts.ValidHostHeader(p.Host) || strings.ContainsAny(p.Host, "/ \t?#") {
			d.add(`Write a name or an address, with a port if the server wants it: "www.example.com".`, "not a host", "host")
		}
	}
	if !httpguts.ValidHeaderFieldName(p.Method) || p.Method == http.MethodConnect { // both are tokens, RFC 9110, section 5.6.2
		d.add(`Use GET, HEAD, OPTIONS or another method that changes nothing.`, "not a method for a check", "method")
	}
	for name, value := range p.Headers {
		canonical := http.CanonicalHeaderKey(name)
		_, twice := p.header[canonical]
		why, own := ownHeaders[canonical]
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			d.add("Write letters, digits and hyphens: \"X-Check\".", "not the name of a header", "headers", name)
		case own:
			d.add(why, "this header is not to be set here", "headers", name)
		case twice:
			d.add("Upper and lower case are the same in names of headers.", "this header is set twice", "headers", name)
		case !httpguts.ValidHeaderFieldValue(value):
			d.add("Line breaks and other control characters cannot be sent.", "not the value of a header", "headers", name)
		}
		p.header[canonical] = []string{value}
	}
	if _, ok := p.header["User-Agent"]; !ok {
		p.header["User-Agent"] = []string{"evenkeel"}
	}
}

// compileHeaders makes of the headers what is sent.
func (p *plan) compileHeaders() {
	p.request = &http.Request{Method: p.Method}
	var b bytes.Buffer
	p.header.Write(&b) // never an error
	switch p.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		b.WriteString("Content-Length: 0\r\n")
	}
	p.headers = b.Bytes()
}

// appendRequest appends a request by HTTP/1.1 to a target. Unless it is the last one, others follow on the connection.
func (p *plan) appendRequest(b []byte, t sdk.Target, last bool) []byte {
	b = append(b, p.Method...)
	b = append(b, ' ')
	b = append(b, p.uri...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, p.authority(t)...)
	b = append(b, "\r\n"...)
	b = append(b, p.headers...)
	if last {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

func (p *plan) compileAnswer(d *complaints) {
	statuses, ds := dialog.ParseStatuses("status", p.Status)
	p.statuses = statuses
	d.list = append(d.list, ds...)
	expression := func(attribute, text string) *regexp.Regexp {
		if text == "" {
			return nil
		}
		e, err := regexp.Compile(text)
		if err != nil {
			d.add(strings.TrimPrefix(err.Error(), "error parsing regexp: "), "not a regular expression", attribute)
		}
		return e
	}
	p.match = expression("body_match", p.BodyMatch)
	p.notMatch = expression("body_not_match", p.BodyNotMatch)
	digest := func(attribute, text string, size int) {
		if text != "" && !isHex(text, size) {
			d.add(fmt.Sprintf("It has %d hexadecimal digits.", 2*size), "not such a digest", attribute)
		}
	}
	digest("body_sha256", p.BodySHA256, sha256.Size)
	digest("body_md5", p.BodyMD5, md5.Size)
	switch {
	case p.MaxBody < 0 || p.MaxBody > maxMaxBody:
		d.add(fmt.Sprintf("It is a number of bytes from 0 to %d.", maxMaxBody), "no such length of a body", "max_body")
	case p.wantsBody() && p.MaxBody == 0:
		d.add("The body is to be looked at, and would not be read.", "too short for the rules about the body", "max_body")
	case p.wantsBody() && p.Method == http.MethodHead:
		d.add("The answer to HEAD has no body.", "a method without a body, and rules about the body", "method")
	}
}

// maxMaxBody is how much of a body may be read, in bytes.
const maxMaxBody = 64 << 20

// wantsBody says whether there are rules about the body.
func (p *plan) wantsBody() bool {
	return p.BodyMatch != "" || p.BodyNotMatch != "" || p.BodySHA256 != "" || p.BodyMD5 != ""
}

func (p *plan) compileTLS(d *complaints) {
	d.list = append(d.list, p.TLS.Validate()...)
	switch p.HTTPVersion {
	case "1.1":
		p.protocols = []string{"http/1.1"}
	case "2":
		p.protocols = []string{"h2"}
	default:
		p.protocols = []string{"h2", "http/1.1"}
	}
}

// hostName returns a Host header's name or address without its port and without brackets.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// authority is the Host header for a target.
func (p *plan) authority(t sdk.Target) string {
	if a, err := netip.ParseAddr(p.Host); err == nil && a.Is6() {
		return "[" + p.Host + "]"
	}
	if p.Host != "" {
		return p.Host
	}
	a := t.Address.WithZone("") // it means nothing to the server, RFC 6874
	if t.Port == 80 && !p.TLS.On || t.Port == 443 && p.TLS.On {
		if a.Is6() {
			return "[" + a.String() + "]"
		}
		return a.String()
	}
	return netip.AddrPortFrom(a, t.Port).String()
}

// plans are the compiled configurations, by their JSON.
type plans struct {
	mu       sync.RWMutex
	byConfig map[string]*plan
}

// maxPlans is how many are kept. A director has a few, even if it has thousands of targets.
const maxPlans = 4096

// of returns the plan of a configuration. raw is the JSON it was decoded from.
func (p *plans) of(raw json.RawMessage, c Config) (*plan, error) {
	p.mu.RLock()
	known := p.byConfig[string(raw)]
	p.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	fresh, ds := compile(c)
	if len(ds) > 0 {
		return nil, ds[0]
	}
	if len(raw) == 0 {
		return fresh, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byConfig) >= maxPlans {
		clear(p.byConfig)
	}
	p.byConfig[string(raw)] = fresh
	return fresh, nil
}
