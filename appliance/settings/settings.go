// Package settings changes the appliance block of a configuration, as a person would who edits its file: comments and everything
// else stay as they are.
package settings

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/evenkeel/evenkeel/hcl/nesting"
)

// Files are the files of a configuration, by name.
type Files = map[string][]byte

// ownFile is where a configuration that has no appliance block yet gets one.
const ownFile = "box.hcl"

// An Interface is how an interface gets its addresses.
type Interface struct {
	DHCP      bool
	Addresses []netip.Prefix
	Gateway   netip.Addr // the zero Addr: none
}

// SetInterface says how an interface gets its addresses. One that has no block yet gets one.
func SetInterface(files Files, name string, i Interface) (Files, error) {
	return edit(files, func(appliance *hclwrite.Body) {
		b := labelled(appliance, name)
		if b == nil {
			if len(appliance.Attributes())+len(appliance.Blocks()) > 0 {
				appliance.AppendNewline()
			}
			b = appliance.AppendNewBlock("interface", []string{name})
		}
		body := b.Body()
		set(body, "dhcp", cty.True, i.DHCP)
		setList(body, "addresses", texts(i.Addresses))
		set(body, "gateway", cty.StringVal(i.Gateway.String()), i.Gateway.IsValid())
	})
}

// Host is what the box is called and whom it asks. What is nil stays as it is; what is empty is taken away.
type Host struct {
	Name        *string
	Nameservers *[]netip.Addr
	NTPServers  *[]string
}

// SetHost says what the box is called and whom it asks.
func SetHost(files Files, h Host) (Files, error) {
	return edit(files, func(appliance *hclwrite.Body) {
		if h.Name != nil {
			set(appliance, "hostname", cty.StringVal(*h.Name), *h.Name != "")
		}
		if h.Nameservers != nil {
			setList(appliance, "nameservers", texts(*h.Nameservers))
		}
		if h.NTPServers != nil {
			setList(appliance, "ntp_servers", *h.NTPServers)
		}
	})
}

// edit changes the appliance block where it is.
func edit(files Files, change func(*hclwrite.Body)) (Files, error) {
	file := ""
	for name, text := range files {
		f, err := parse(name, text)
		if err != nil {
			return nil, err
		}
		if f.Body().FirstMatchingBlock("appliance", nil) != nil {
			file = name
		}
	}
	switch _, own := files[ownFile]; {
	case file == "" && (own || len(files) == 0):
		file = ownFile
	case file == "":
		file = slices.Min(slices.Collect(maps.Keys(files)))
	}
	f, err := parse(file, files[file])
	if err != nil {
		return nil, err
	}
	b := f.Body().FirstMatchingBlock("appliance", nil)
	if b == nil {
		if len(files[file]) > 0 {
			f.Body().AppendNewline()
		}
		b = f.Body().AppendNewBlock("appliance", nil)
	}
	change(b.Body())
	changed := maps.Clone(files)
	if changed == nil {
		changed = Files{}
	}
	if after := hclwrite.Format(f.Bytes()); !bytes.Equal(after, hclwrite.Format(files[file])) {
		changed[file] = after
	}
	return changed, nil
}

func parse(name string, text []byte) (*hclwrite.File, error) {
	if nesting.Check(name, text) != nil {
		return nil, fmt.Errorf("reading %s: it is nested too deeply", name)
	}
	f, diags := hclwrite.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("reading %s: %w", name, diags)
	}
	return f, nil
}

// labelled is the interface block with a name.
func labelled(appliance *hclwrite.Body, name string) *hclwrite.Block {
	return appliance.FirstMatchingBlock("interface", []string{name})
}

// set sets an attribute where it stands, or takes it away.
func set(b *hclwrite.Body, name string, value cty.Value, there bool) {
	if there {
		b.SetAttributeValue(name, value)
	} else {
		b.RemoveAttribute(name)
	}
}

func setList(b *hclwrite.Body, name string, values []string) {
	var all []cty.Value
	for _, v := range values {
		all = append(all, cty.StringVal(v))
	}
	set(b, name, cty.TupleVal(all), len(all) > 0)
}

func texts[T fmt.Stringer](values []T) (all []string) {
	for _, v := range values {
		all = append(all, v.String())
	}
	return all
}
