package load

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// plugin decodes a plugin block.
func (l *loader) plugin(b schema.Block) {
	p := target[config.Plugin](l, b)
	if p == nil {
		return
	}
	l.cfg.Plugins = append(l.cfg.Plugins, p)
	if !slices.Contains(kinds, p.Kind) {
		l.r.Errorf(b.LabelRange(0), "Unknown kind", "A plugin is of the kind %s.", strings.Join(kinds, ", "))
	} else if slices.Contains(l.types.builtin(p.Kind), p.Name) {
		l.r.Warnf(b.LabelRange(1), "Takes the place of a built-in type", "%s %q is built in, and this plugin takes its place. Give it another name to have both.", p.Kind, p.Name)
	}
	body := l.r.Read(b.Body(), pluginShape)
	p.Path, _ = l.requiredPath(&body, "path")
	if s, ok := l.requiredString(&body, "sha256"); ok {
		if !isSHA256(s) {
			l.r.Errorf(body.Attr("sha256").Expr.Range(), "Wrong sha256", "It is 64 hexadecimal digits, as sha256sum FILE prints them.")
		}
		p.SHA256 = strings.ToLower(s)
	}
}

// requiredString reads a string that must be there and not be empty.
func (l *loader) requiredString(body *schema.Content, name string) (string, bool) {
	a := body.Attr(name)
	if !a.Written() {
		l.r.Diags = append(l.r.Diags, schema.Missing(name, body.Missing()))
		return "", false
	}
	s, ok := l.r.String(a)
	if ok && s == "" {
		l.r.Errorf(a.Expr.Range(), "Empty "+name, "%s must not be empty.", name)
		return "", false
	}
	return s, ok
}

// requiredPath reads the absolute path of a file: the director has no folder of its own that others could be meant from.
func (l *loader) requiredPath(body *schema.Content, name string) (string, bool) {
	s, ok := l.requiredString(body, name)
	if ok && !filepath.IsAbs(s) {
		l.r.Errorf(body.Attr(name).Expr.Range(), "Relative path", "%s is a whole path, from /: write for example %q.", name, filepath.Join("/data", s))
		return "", false
	}
	return s, ok
}

// isSHA256 says whether a text is a SHA-256 in hexadecimal digits.
func isSHA256(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == sha256.Size
}
