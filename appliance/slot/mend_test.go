package slot_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/slot"
)

func TestADamagedCounterPartitionIsAsItWasMadeAfterwards(t *testing.T) {
	made, err := os.ReadFile(partition(t, "order=AB\nleft_A=3\nleft_B=0\n"))
	if err != nil {
		t.Fatal(err)
	}
	const at = 40 * 512
	for name, c := range map[string]struct {
		damage  func(b []byte)
		damaged string
		counter string
	}{
		"nothing":         {func([]byte) {}, "", "order=BA left_A=1 left_B=2 trial=B other=kept"},
		"the file system": {func(b []byte) { b[3] ^= 1 }, "its file system is not as it was made", "order=BA left_A=1 left_B=2 trial=B other=kept"},
		"behind it":       {func(b []byte) { b[len(b)-1] ^= 1 }, "its file system is not as it was made", "order=BA left_A=1 left_B=2 trial=B other=kept"},
		"a line":          {func(b []byte) { b[at+30] = 0xff }, "its counter is garbage", ""},
		"the fillers":     {func(b []byte) { b[at+1000] = 'x' }, "its counter is garbage", "order=BA left_A=1 left_B=2 trial=B other=kept"},
		"the signature":   {func(b []byte) { b[at] = 0 }, "it has no counter where GRUB looks for one", "order=BA left_A=3 left_B=3"},
		"all of it":       {func(b []byte) { copy(b, bytes.Repeat([]byte("garbage "), len(b)/8)) }, "it has no counter where GRUB looks for one", "order=BA left_A=3 left_B=3"},
		"moved":           {func(b []byte) { copy(b, b[1024:]) }, "it has no counter where GRUB looks for one", "order=BA left_A=1 left_B=2 trial=B other=kept"},
	} {
		t.Run(name, func(t *testing.T) {
			path := partition(t, "order=BA\nleft_A=1\nleft_B=2\ntrial=B\nother=kept\n")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c.damage(b)
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			damaged, err := slot.Mend(path, made, slot.B)
			if err != nil || damaged != c.damaged {
				t.Errorf("said %q, %v, want %q", damaged, err, c.damaged)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after[:at], made[:at]) || !bytes.Equal(after[at+1024:], made[at+1024:]) {
				t.Errorf("it is not as it was made, %v", err)
			} else if got := lines(after[at : at+1024]); c.counter != "" && got != c.counter {
				t.Errorf("the counter is %q, want %q", got, c.counter)
			}
			if damaged, err := slot.Mend(path, made, slot.A); damaged != "" || err != nil {
				t.Errorf("the second time: said %q, %v", damaged, err)
			}
		})
	}
}

// lines are those of a block that say something.
func lines(block []byte) string {
	var all []string
	for _, l := range strings.Split(string(block), "\n") {
		if !strings.HasPrefix(l, "#") {
			all = append(all, l)
		}
	}
	return strings.Join(all, " ")
}

func TestAPartitionThatIsTooSmallIsNotMended(t *testing.T) {
	made, err := os.ReadFile(partition(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	path := partition(t, "")
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	if damaged, err := slot.Mend(path, made, slot.A); err == nil {
		t.Errorf("said %q", damaged)
	}
	if damaged, err := slot.Mend(path, made[:4096], slot.A); err == nil || !strings.Contains(err.Error(), "what it should be like") {
		t.Errorf("said %q, %v", damaged, err)
	}
}
