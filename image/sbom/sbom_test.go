package sbom_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/sbom"
)

func TestDocumentListsEachPartOnceAndInOrder(t *testing.T) {
	parts := []sbom.Component{sbom.Debian("shim-signed", "1.51~1+deb12u1"), sbom.Debian("busybox-static", "1:1.35.0-4"), sbom.Debian("shim-signed", "1.51~1+deb12u1")}
	text, err := sbom.Document("1.2", time.Unix(1_790_000_000, 0), parts)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		BOMFormat  string
		Metadata   struct{ Timestamp string }
		Components []sbom.Component
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.BOMFormat != "CycloneDX" || got.Metadata.Timestamp != "2026-09-21T14:13:20Z" || len(got.Components) != 2 {
		t.Errorf("got %+v", got)
	}
	if want := "pkg:deb/debian/busybox-static@1%3A1.35.0-4?arch=amd64&distro=bookworm"; got.Components[0].PURL != want {
		t.Errorf("got %s, want %s", got.Components[0].PURL, want)
	}
}

func TestProgramSaysItsModules(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	list, err := sbom.Modules(self)
	if err != nil || len(list) == 0 || list[0].Name != "stdlib" || !strings.HasPrefix(list[0].Version, "1.") {
		t.Errorf("got %v, %v, want the toolchain first", list, err)
	}
	if _, err := sbom.Modules("/dev/null"); err == nil {
		t.Error("what is no program was read")
	}
}
