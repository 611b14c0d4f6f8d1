// Package sbom writes what an image is made of as a CycloneDX document (version 1.5, JSON): the Debian packages, and the Go modules
// that the programs say they are made of.
package sbom

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Component is one part.
type Component struct {
	Type    string `json:"type"` // "library", "operating-system" ...
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl,omitempty"` // https://github.com/package-url/purl-spec
}

// Debian returns the component that a binary package of Debian is.
func Debian(name, version string) Component {
	return Component{Type: "library", Name: name, Version: version,
		PURL: "pkg:deb/debian/" + name + "@" + strings.NewReplacer("+", "%2B", "~", "~", ":", "%3A").Replace(version) + "?arch=amd64&distro=bookworm"}
}

// Modules returns the Go toolchain and the modules that a program was linked from.
func Modules(program string) ([]Component, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read what %s is made of: %w", program, err)
	}
	list := []Component{{Type: "library", Name: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go"),
		PURL: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list = append(list, Component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version})
	}
	return list, nil
}

// Document returns the document of an image, its components sorted and each there once.
func Document(version string, made time.Time, components []Component) ([]byte, error) {
	list := slices.Clone(components)
	slices.SortFunc(list, func(a, b Component) int { return cmp.Or(cmp.Compare(a.PURL, b.PURL), cmp.Compare(a.Name, b.Name)) })
	list = slices.Compact(list)
	text, err := json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata": map[string]any{
			"timestamp": made.UTC().Format(time.RFC3339),
			"component": Component{Type: "operating-system", Name: "evenkeel", Version: version},
		},
		"components": list,
	}, "", "  ")
	return append(text, '\n'), err
}
