package contract

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// headings are those of every manual page of a type that configurations use.
var headings = []string{"Attributes", "Metrics", "Examples", "Limits"}

func manualPage(_ context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	b, err := os.ReadFile(filepath.Join(s.Folder, "README.md"))
	if err != nil {
		c.add("%v", err)
		return wrong
	}
	i := s.Info
	title, rest, _ := strings.Cut(string(b), "\n")
	want := headings
	switch {
	case s.Declared:
		want = headings[:1]
	case i.Kind == sdk.KindBalancer || i.Kind == sdk.KindVRRP: // which have no block of their own
		want = []string{"Metrics", "Limits"}
	}
	if name := string(i.Kind) + ` "` + i.Name + `"`; title != "# "+name && !strings.HasPrefix(title, "# "+i.Name+":") {
		c.add("README.md begins with %q, not with %q", title, "# "+name)
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(rest), "\n"); first == "" || strings.HasPrefix(first, "#") {
		c.add("README.md does not say what the plugin does before its first heading")
	}
	var got []string
	for line := range strings.Lines(rest) {
		if h, ok := strings.CutPrefix(strings.TrimSpace(line), "## "); ok && slices.Contains(want, h) {
			got = append(got, h)
		}
	}
	if !slices.Equal(got, want) {
		c.add("README.md has of the headings %q only %q, in this order", want, got)
	}
	return wrong
}

func manualPageHasAttributes(_ context.Context, s *Subject) (wrong []string) {
	c := (*complaints)(&wrong)
	b, err := os.ReadFile(filepath.Join(s.Folder, "README.md"))
	if err != nil {
		c.add("%v", err)
		return wrong
	}
	rows := attributeRows(string(b))
	attributes := make(map[string]sdk.Attribute)
	flat(attributes, s.Info.Schema, "", "")
	for name, a := range attributes {
		row, ok := rows[name]
		if !ok {
			c.add("README.md has no row for the attribute `%s`", name)
			continue
		}
		if row[0] != string(a.Type) {
			c.add("README.md says that `%s` is a %s, it is a %s", name, row[0], a.Type)
		}
		switch {
		case a.Required && row[1] != "required":
			c.add("README.md does not say that `%s` is required", name)
		case a.Default != nil && !isDefault(row[1], a.Default):
			c.add("README.md says that the default of `%s` is %s, it is %s", name, row[1], a.Default)
		case a.Default == nil && strings.HasPrefix(row[1], "`\""):
			c.add("README.md says that the default of `%s` is %s, it has none", name, row[1])
		}
	}
	for name := range rows {
		if _, ok := attributes[name]; !ok {
			c.add("README.md has a row for `%s`, which the schema has not", name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// flat lists all attributes by what a manual page calls them: "path", "smtp { server }".
func flat(into map[string]sdk.Attribute, s sdk.Schema, before, after string) {
	for _, a := range s.Attributes {
		into[before+a.Name+after] = a
	}
	for _, b := range s.Blocks {
		flat(into, b.Schema, before+b.Name+" { ", " }"+after)
	}
}

// attributeRows returns type and default of each row of the tables below "Attributes" whose head is that of attributes.
func attributeRows(page string) map[string][2]string {
	rows := make(map[string][2]string)
	within, table := false, false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "## ") {
			within = line == "## Attributes"
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !within || !strings.HasPrefix(line, "|") || len(cells) < 4:
			table = false
		case cells[0] == "attribute" && cells[1] == "type" && cells[2] == "default":
			table = true
		case table && strings.HasPrefix(cells[0], "`"):
			rows[strings.Trim(cells[0], "`")] = [2]string{cells[1], cells[2]}
		}
	}
	return rows
}

// isDefault says whether a manual page's cell is the default: its JSON in back quotes, or a string without its quotes.
func isDefault(cell string, value json.RawMessage) bool {
	code, ok := strings.CutPrefix(cell, "`")
	code, end := strings.CutSuffix(code, "`")
	if !ok || !end {
		return false
	}
	quoted, err := json.Marshal(code)
	return err == nil && same(quoted, value) || same([]byte(code), value)
}
