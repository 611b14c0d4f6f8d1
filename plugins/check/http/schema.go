package http

import (
	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Config is what check "http" may hold beside the attributes that every check has.
type Config struct {
	Path         string            `attr:"path" default:"/" doc:"what to ask for, with a query if need be"`
	Host         string            `attr:"host" doc:"Host header, and the name for TLS; the target's address without it"`
	Method       string            `attr:"method" default:"GET" doc:"of the request, which has no body"`
	Headers      map[string]string `attr:"headers" doc:"further headers of the request"`
	Status       []string          `attr:"status" default:"200-299" doc:"status codes that are good, single or as ranges"`
	BodyMatch    string            `attr:"body_match" doc:"regular expression that the body must match"`
	BodyNotMatch string            `attr:"body_not_match" doc:"regular expression that the body must not match"`
	BodySHA256   string            `attr:"body_sha256" doc:"SHA-256 digest of the body, in hexadecimal"`
	BodyMD5      string            `attr:"body_md5" doc:"MD5 digest of the body, in hexadecimal, as keepalived's digest"`
	dialog.TLS
	HTTPVersion string `attr:"http_version" oneof:"1.1,2" doc:"the only version to speak; negotiated without it"`
	URLs        []URL  `block:"url" doc:"one request of several, all of which must be answered as they should; in place of path, status and what is said of the body"`
	MaxBody     int    `attr:"max_body" default:"1048576" doc:"how much of a body is read, in bytes; 0: the body is left alone"`
}

// A URL is a url block.
type URL struct {
	Path         string   `attr:"path" default:"/" doc:"what to ask for, with a query if need be"`
	Host         string   `attr:"host" doc:"Host header; the check's without it"`
	Status       []string `attr:"status" default:"200-299" doc:"status codes that are good, single or as ranges"`
	BodyMatch    string   `attr:"body_match" doc:"regular expression that the body must match"`
	BodyNotMatch string   `attr:"body_not_match" doc:"regular expression that the body must not match"`
	BodySHA256   string   `attr:"body_sha256" doc:"SHA-256 digest of the body, in hexadecimal"`
	BodyMD5      string   `attr:"body_md5" doc:"MD5 digest of the body, in hexadecimal, as keepalived's digest"`
}

// of returns the configuration of one request.
func (u URL) of(c Config) Config {
	if u.Host != "" {
		c.Host = u.Host
	}
	c.Path, c.Status, c.URLs = u.Path, u.Status, nil
	c.BodyMatch, c.BodyNotMatch, c.BodySHA256, c.BodyMD5 = u.BodyMatch, u.BodyNotMatch, u.BodySHA256, u.BodyMD5
	return c
}

// Validate refuses what cannot work, before anything is probed.
func (c Config) Validate() []sdk.Diagnostic {
	_, ds := compile(c)
	return ds
}
