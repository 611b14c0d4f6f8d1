package slot_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/slot"
)

const salt = "65766b0000000000000000000000000000000000000000000000000000000000"

// made is a slot with so many blocks of data, as image/build makes one: veritysetup writes the hashes.
func made(t *testing.T, blocks int) []byte {
	t.Helper()
	program, err := exec.LookPath("veritysetup")
	if err != nil {
		t.Skip("veritysetup is not installed: make packages-image")
	}
	data := make([]byte, blocks*4096)
	_, _ = rand.NewChaCha8([32]byte{byte(blocks)}).Read(data)
	copy(data, "hsqs")
	binary.LittleEndian.PutUint64(data[40:], uint64(len(data)-100))
	path := filepath.Join(t.TempDir(), "slot")
	if err := os.WriteFile(path, append(data, make([]byte, 4096)...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "format", path, path, fmt.Sprintf("--data-blocks=%d", blocks),
		fmt.Sprintf("--hash-offset=%d", (blocks+1)*4096), "--salt="+salt).CombinedOutput()
	if err != nil {
		t.Fatalf("veritysetup: %v\n%s", err, out)
	}
	root := regexp.MustCompile(`Root hash:\s+(\S+)`).FindSubmatch(out)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[blocks*4096:], fmt.Sprintf("evenkeel-verity 1 %s %s\n", root[1], salt))
	return b
}

func TestASlotIsCheckedAsTheKernelChecksIt(t *testing.T) {
	for _, blocks := range []int{1, 2, 128, 129, 130, 700, 128*128 + 1} { // trees of none to three levels
		b := made(t, blocks)
		var read bytes.Buffer
		// What is behind it on the partition does not matter.
		v, err := slot.Check(bytes.NewReader(append(bytes.Clone(b), "what was there before"...)), &read)
		if err != nil || v.Size() != int64(len(b)) || v.Blocks != int64(blocks) {
			t.Errorf("%d blocks: %v, %d bytes, want %d", blocks, err, v.Size(), len(b))
		}
		if !bytes.Equal(read.Bytes(), b) {
			t.Errorf("%d blocks: %d bytes went to the side, and not those of the slot", blocks, read.Len())
		}
	}
}

func TestOneBitThatIsWrongIsFound(t *testing.T) {
	const blocks = 200
	b := made(t, blocks)
	for name, at := range map[string]int{
		"its first data": 100, "its last data": blocks*4096 - 1, "the hash that it says": blocks*4096 + 30,
		"the root of the tree": (blocks + 2) * 4096, "the end of the tree": len(b) - 1,
	} {
		bad := bytes.Clone(b)
		bad[at] ^= 1
		if name == "the hash that it says" {
			copy(bad[at:], strings.Repeat("0", 8))
		}
		if _, err := slot.Check(bytes.NewReader(bad), new(bytes.Buffer)); !errors.Is(err, slot.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := slot.Check(bytes.NewReader(b[:len(b)-4096]), new(bytes.Buffer)); err == nil {
		t.Error("a slot that is cut off is taken")
	}
}
