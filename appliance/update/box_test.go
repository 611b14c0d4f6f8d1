package update

import (
	"maps"
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
	var before Counter
	err := countAt(path, func(c *Counter) {
		before = Counter{c.First, maps.Clone(c.Left), c.Trial}
		c.First, c.Left[A], c.Left[B], c.Trial = B, 3, 0, B
	})
	if diff := cmp.Diff(Counter{First: A, Left: map[Slot]int{A: 2, B: 3}}, before); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 4096+1024 || !strings.Contains(string(b[4096:]), "order=BA\nleft_A=3\nleft_B=0\ntrial=B\nother=kept\n") {
		t.Errorf("%q, %v", b[4096:], err)
	}
}
