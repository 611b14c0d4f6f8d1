package lab_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/image/lab"
)

// inVM are the packages whose TestVM… tests must run inside a machine, by import path.
var inVM = []string{
	"github.com/evenkeel/evenkeel/plugins/ipvs", "github.com/evenkeel/evenkeel/plugins/vrrp/address",
	"github.com/evenkeel/evenkeel/appliance/network", "github.com/evenkeel/evenkeel/appliance/ntp",
}

// The tests that the plugins' authors wrote for the real kernel. Each result counts here under its own name. What one kind of
// machine has to skip, because its kernel lacks something, and another kind has run, is no skipped test.
func TestVMKernelTests(t *testing.T) {
	passed := map[string]bool{}
	for _, kind := range []lab.Kind{lab.QEMU, lab.UML} {
		for _, pkg := range inVM {
			t.Run(string(kind)+"/"+strings.TrimPrefix(pkg, "github.com/evenkeel/evenkeel/"), func(t *testing.T) {
				need(t, kind)
				l := newLab(t, lab.Options{Kind: kind, Directors: -1, RealServers: -1})
				results, err := l.RunTestBinary(ctx, kind, pkg, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(results) == 0 {
					t.Fatalf("%s has no test named TestVM", pkg)
				}
				for _, r := range results {
					if r.Outcome == "SKIP" && passed[pkg+r.Name] {
						t.Logf("%s ran in another kind of machine; here: %s", r.Name, strings.TrimSpace(r.Output))
						continue
					}
					passed[pkg+r.Name] = r.Outcome == "PASS"
					t.Run(r.Name, func(t *testing.T) {
						switch r.Outcome {
						case "PASS":
						case "SKIP":
							t.Skip(strings.TrimSpace(r.Output))
						default:
							t.Errorf("in the machine: %s", r.Output)
						}
					})
				}
			})
		}
	}
}
