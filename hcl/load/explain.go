package load

import "github.com/hashicorp/hcl/v2"

// Explain makes of diagnostics about one file what can be shown with the file's lines, as for one that was loaded.
func Explain(s Source, list hcl.Diagnostics) *Diagnostics {
	d := &Diagnostics{list: list, files: []*file{{Source: s}}}
	d.finish()
	return d
}
