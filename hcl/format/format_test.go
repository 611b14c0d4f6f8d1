package format

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormatAlignsAndIndents(t *testing.T) {
	got, diags := Format("x.hcl", []byte("director {\nname=\"lb1\" # why\n}\nvirtual_server   \"web\" {\n\taddress =\"192.0.2.1:80\"\n\tprotocol=\"tcp\"\n\n\n  check \"tcp\" {}\n}"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	want := "director {\n  name = \"lb1\" # why\n}\nvirtual_server \"web\" {\n  address  = \"192.0.2.1:80\"\n  protocol = \"tcp\"\n\n\n  check \"tcp\" {}\n}"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestFormatChangesNothingTheSecondTime(t *testing.T) {
	src, err := os.ReadFile("../load/testdata/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	once, _ := Format("reference.hcl", src)
	twice, _ := Format("reference.hcl", once)
	if diff := cmp.Diff(string(once), string(twice)); diff != "" {
		t.Error(diff)
	}
}

func TestFormatRefusesWhatDoesNotParse(t *testing.T) {
	got, diags := Format("x.hcl", []byte("director {\n  name =\n}\n"))
	if got != nil || !diags.HasErrors() {
		t.Fatalf("%q, %v", got, diags)
	}
	if at := diags[0].Subject; at.Filename != "x.hcl" || at.Start.Line != 2 {
		t.Errorf("the error is at %v", at)
	}
}

func FuzzFormat(f *testing.F) {
	f.Add([]byte("a = 1\nb { c=[1,\n2] }\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		once, diags := Format("x.hcl", src)
		if diags.HasErrors() {
			return
		}
		if _, diags := Format("x.hcl", once); diags.HasErrors() {
			t.Fatalf("a file that parsed does not any more: %v\nbefore %q\nafter %q", diags, src, once)
		}
	})
}
