package core

import (
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/load"
)

func TestApplianceBlockIsWarnedAboutWhereNobodyCarriesItOut(t *testing.T) {
	diags := &load.Diagnostics{}
	cfg := &config.Config{Appliance: &config.Appliance{Position: config.Position{File: "box.hcl", Line: 1, Column: 1}}}
	elsewhere := &daemon{}
	if got, want := elsewhere.allWarnings(cfg, diags), []string{"box.hcl:1,1: appliance: ignored, evenkeel is not the whole system here"}; !slices.Equal(got, want) {
		t.Errorf("on a Linux: got %q, want %q", got, want)
	}
	if got := (&daemon{o: Options{Box: true}}).allWarnings(cfg, diags); len(got) != 0 {
		t.Errorf("on a box: got %q, want nothing", got)
	}
}
