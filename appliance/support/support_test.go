package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestABundleHasNoSecretsAndSaysWhatItLacks(t *testing.T) {
	var packed bytes.Buffer
	b := Bundle{
		Version:       "1.2.3",
		Configuration: map[string][]byte{"shared.hcl": []byte("authentication {\n  type     = \"pass\"\n  password = \"hunter2\"\n}\n")},
		KernelLog:     func() ([]byte, error) { return nil, errors.New("operation not permitted") },
		Now:           func() time.Time { return time.Unix(1e9, 0) },
	}
	if err := b.Write(t.Context(), &packed); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&packed)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(text)
	}
	want := map[string]string{
		"evenkeel-support/version.txt":              "evenkeel 1.2.3\n2001-09-09T01:46:40Z\n",
		"evenkeel-support/configuration/shared.hcl": "authentication {\n  type     = \"pass\"\n  password = \"(removed)\"\n}\n",
		"evenkeel-support/problems.txt":             "status.json: no evenkeel runs\nevents.jsonl: no evenkeel runs\nkernel.log: operation not permitted\n",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSecretsAreRemovedWhereverTheyAreWritten(t *testing.T) {
	for _, text := range []string{
		`password = "hunter2"`,
		"a \"b\" \"c\" {\n  d {\n    bind_password = \"hunter2\"\n  }\n}",
		`locals { vrrp_pass = "hunter2" }`,
		`headers = { Authorization = "Bearer hunter2" }`,
		`locals { all = { "api_token" = "hunter2" } }`,
		`community = "hunter2"`,
		"password = <<EOT\nhunter2\nEOT\n",
		`password = join("", ["hunter2"])`,
		"# password = \"hunter2\"",
		"a = 1 # the password is hunter2\nb = 2",
		`broken = "hunter2`,
		strings.Repeat("a {\n", 100000) + `x = "hunter2"`,
	} {
		if got := WithoutSecrets("x.hcl", []byte(text)); bytes.Contains(got, []byte("hunter2")) {
			t.Errorf("%.80s became %.200s", text, got)
		}
	}
	const harmless = "virtual_server \"web\" {\n  # a comment\n  address = \"192.0.2.1:80\"\n}\n"
	if got := WithoutSecrets("x.hcl", []byte(harmless)); string(got) != harmless {
		t.Errorf("what is no secret became %s", got)
	}
}
