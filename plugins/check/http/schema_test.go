package http

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWhatCannotWorkIsRefusedWhereItIsWritten(t *testing.T) {
	for _, tt := range []struct{ config, path, summary string }{
		{`{"status":[]}`, "status", "no status codes"},
		{`{"status":["200","20"]}`, "status 1", "a status code is a number from 100 to 999"},
		{`{"status":["299-200"]}`, "status 0", "the range ends before it begins"},
		{`{"path":"health"}`, "path", "the path does not begin with /"},
		{`{"path":"http://a/b"}`, "path", "the path does not begin with /"},
		{`{"path":"/a b"}`, "path", "not a path that can be asked for"},
		{`{"path":"/a\r\nHost: b"}`, "path", "not a path that can be asked for"},
		{`{"path":"/a#b"}`, "path", "not a path that can be asked for"},
		{`{"path":""}`, "path", "the path does not begin with /"},
		{`{"host":"a b"}`, "host", "not a host"},
		{`{"host":"a\r\nX: y"}`, "host", "not a host"},
		{`{"host":"http://a"}`, "host", "not a host"},
		{`{"tls":true,"sni":"a:443"}`, "sni", "not a name of a server"},
		{`{"headers":{"A b":"c"}}`, "headers A b", "not the name of a header"},
		{`{"headers":{"A":"b\r\nC: d"}}`, "headers A", "not the value of a header"},
		{`{"headers":{"hOST":"a"}}`, "headers hOST", "this header is not to be set here"},
		{`{"headers":{"Content-Length":"5"}}`, "headers Content-Length", "this header is not to be set here"},
		{`{"body_match":"("}`, "body_match", "not a regular expression"},
		{`{"body_not_match":"(?=a)"}`, "body_not_match", "not a regular expression"},
		{`{"body_sha256":"abc"}`, "body_sha256", "not such a digest"},
		{`{"body_md5":"` + strings.Repeat("g", 32) + `"}`, "body_md5", "not such a digest"},
		{`{"max_body":-1}`, "max_body", "no such length of a body"},
		{`{"max_body":99999999}`, "max_body", "no such length of a body"},
		{`{"max_body":0,"body_match":"a"}`, "max_body", "too short for the rules about the body"},
		{`{"method":"CONNECT"}`, "method", "not a method for a check"},
		{`{"method":"GET /"}`, "method", "not a method for a check"},
		{`{"method":"HEAD","body_match":"a"}`, "method", "a method without a body, and rules about the body"},
		{`{"sni":"a"}`, "sni", "this is for TLS only"},
		{`{"ca_file":"a"}`, "ca_file", "this is for TLS only"},
		{`{"verify":false}`, "verify", "this is for TLS only"},
		{`{"url":[{"path":"/a"},{"path":"b"}]}`, "url 1 path", "the path does not begin with /"},
		{`{"url":[{"body_match":"("}]}`, "url 0 body_match", "not a regular expression"},
		{`{"path":"/a","url":[{}]}`, "path", "of which url"},
		{`{"body_match":"a","url":[{}]}`, "body_match", "of which url"},
		{`{"sni":"a","url":[{},{}]}`, "sni", "this is for TLS only"},
		{`{"method":"HEAD","url":[{},{"body_match":"a"}]}`, "url 1 method", "a method without a body, and rules about the body"},
	} {
		d := Plugin().Validate(json.RawMessage(tt.config))
		if len(d) != 1 {
			t.Errorf("%s: %d complaints: %v", tt.config, len(d), d)
			continue
		}
		if got := strings.Join(d[0].Path, " "); got != tt.path || d[0].Summary != tt.summary || d[0].Detail == "" {
			t.Errorf("%s:\ngot  %q %q (%s)\nwant %q %q", tt.config, got, d[0].Summary, d[0].Detail, tt.path, tt.summary)
		}
	}
}

func TestWhatCanWorkIsTaken(t *testing.T) {
	for _, config := range []string{
		`{}`,
		`{"path":"/a?b=c&d=%20","host":"www.example.com:8080","method":"POST","headers":{"X-A":"b\tc"}}`,
		`{"host":"2001:db8::1"}`, `{"host":"[2001:db8::1]:80"}`, `{"host":"a_b.example.com"}`,
		`{"tls":true,"sni":"a.example.com","ca_file":"/etc/ca.pem","http_version":"2"}`,
		`{"status":["100-999","404"]}`,
		`{"host":"a","tls":true,"url":[{"path":"/a","host":"b","status":["404"]},{"body_match":"c"}]}`,
	} {
		if d := Plugin().Validate(json.RawMessage(config)); len(d) > 0 {
			t.Errorf("%s: %v", config, d)
		}
	}
}

func TestAllComplaintsAtOnce(t *testing.T) {
	d := Plugin().Validate(json.RawMessage(`{"path":"a","status":["x","y"],"body_match":"("}`))
	var paths []string
	for _, d := range d {
		paths = append(paths, strings.Join(d.Path, "."))
	}
	slices.Sort(paths)
	if got, want := fmt.Sprint(paths), "[body_match path status.0 status.1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheReferencesCheckIsTaken(t *testing.T) {
	p, ds := compile(decoded(t, `{"path":"/","status":["200-299"]}`))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for code, want := range map[int]bool{199: false, 200: true, 299: true, 300: false} {
		if got := p.judgeStatus(code) == nil; got != want {
			t.Errorf("status %d: %v", code, got)
		}
	}
}
