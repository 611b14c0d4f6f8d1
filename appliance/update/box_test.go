package update

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheCounterIsWhatGRUBReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counter")
	block := "# GRUB Environment Block\norder=AB\nleft_A=2\nother=kept\n"
	block += strings.Repeat("#", 1024-len(block))
	if err := os.WriteFile(path, []byte(strings.Repeat("\x00", 4096)+block), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readCounter(path)
	if diff := cmp.Diff(Counter{First: A, Left: map[Slot]int{A: 2, B: 3}}, c); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	want := Counter{First: B, Left: map[Slot]int{A: 3, B: 0}}
	if err := writeCounter(path, want); err != nil {
		t.Fatal(err)
	}
	if c, err := readCounter(path); cmp.Diff(want, c) != "" || err != nil {
		t.Errorf("%+v, %v", c, err)
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 4096+1024 || !strings.Contains(string(b[4096:]), "order=BA\nleft_A=3\nleft_B=0\nother=kept\n") {
		t.Errorf("%q, %v", b[4096:], err)
	}
}
