package dialog

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// TLS are the attributes of a check that can speak TLS: its Config embeds them.
type TLS struct {
	On       bool   `attr:"tls" default:"false" doc:"speak TLS, from the first byte on"`
	SNI      string `attr:"sni" doc:"name that is sent and verified in TLS; without it the one that the check asks for, or the target's address"`
	Verify   bool   `attr:"verify" default:"true" doc:"whether the certificate must be good"`
	CAFile   string `attr:"ca_file" doc:"file with the certificates to trust, PEM; the system's without it"`
	CertFile string `attr:"cert_file" doc:"file with the check's own certificate to show, PEM"`
	KeyFile  string `attr:"key_file" doc:"file with the key of that certificate, PEM; in cert_file without it"`

	files *files
}

// StartTLS are the attributes of a check that can also change to TLS once it has begun in clear text.
type StartTLS struct {
	TLS
	Upgrade bool `attr:"starttls" default:"false" doc:"begin in clear text, and change to TLS before anything is asked"`
}

// Validate refuses what cannot work. A Config that embeds StartTLS has this as its own Validate, or calls it from there.
func (s *StartTLS) Validate() []sdk.Diagnostic {
	ds := s.TLS.validate(s.On || s.Upgrade)
	if s.On && s.Upgrade {
		ds = append(ds, sdk.Diagnostic{Path: []string{"starttls"}, Summary: "either tls or starttls",
			Detail: "With tls = true TLS is spoken from the first byte on, and there is nothing to change."})
	}
	return ds
}

// Validate refuses what cannot work. A Config that embeds TLS has this as its own Validate, or calls it from there.
func (o *TLS) Validate() []sdk.Diagnostic { return o.validate(o.On) }

func (o *TLS) validate(spoken bool) (ds []sdk.Diagnostic) {
	add := func(attribute, summary, detail string) {
		ds = append(ds, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	if !spoken {
		for attribute, set := range map[string]bool{
			"sni": o.SNI != "", "ca_file": o.CAFile != "", "verify": !o.Verify, "cert_file": o.CertFile != "", "key_file": o.KeyFile != "",
		} {
			if set {
				add(attribute, "this is for TLS only", `Write tls = true beside it.`)
			}
		}
		return ds
	}
	if strings.ContainsAny(o.SNI, ":/@ \t\r\n\x00") {
		add("sni", "not a name of a server", `Write a name without a port: "www.example.com".`)
	}
	for attribute, path := range map[string]string{"ca_file": o.CAFile, "cert_file": o.CertFile, "key_file": o.KeyFile} {
		if path != "" && !filepath.IsAbs(path) {
			add(attribute, "not a whole path", `Write the whole path, from /.`)
		}
	}
	if o.KeyFile != "" && o.CertFile == "" {
		add("key_file", "a key without its certificate", `Write cert_file beside it.`)
	}
	o.files = newFiles(o)
	return ds
}

// Config returns how TLS is spoken with a target, for a library that shakes hands by itself. name is the one that is
// verified if the attribute sni was not written; "": the target's address.
func (o *TLS) Config(t sdk.Target, name string, protocols ...string) (*tls.Config, error) {
	files := o.files
	if files == nil { // nobody has called Validate
		files = newFiles(o)
	}
	c := &tls.Config{ServerName: o.SNI, InsecureSkipVerify: !o.Verify, NextProtos: protocols}
	if c.ServerName == "" {
		c.ServerName = name
	}
	if c.ServerName == "" {
		c.ServerName = t.Address.WithZone("").String()
	}
	return c, files.into(c)
}

// Handshake makes TLS of a connection.
func (o *TLS) Handshake(ctx context.Context, conn net.Conn, t sdk.Target, name string, protocols ...string) (*tls.Conn, error) {
	config, err := o.Config(t, name, protocols...)
	if err != nil {
		return nil, err
	}
	c := tls.Client(conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, HandshakeReason(ctx, t, err, config.ServerName)
	}
	return c, nil
}

// SpeakTLS makes TLS of the connection, from here on. name is as with Config.
func (c *Conn) SpeakTLS(o *TLS, name string) error {
	if c.lines != nil && c.lines.Buffered() > 0 { // somebody in the middle could have put it there: CVE-2011-0411
		return errors.New("the server says more in clear text before it changes to TLS")
	}
	secure, err := o.Handshake(c.ctx, c.tcp, c.target, name)
	if err != nil {
		return err
	}
	c.Conn, c.in.From = secure, secure
	c.forget()
	return nil
}
