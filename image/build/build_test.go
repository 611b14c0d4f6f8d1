package build_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/build"
	"github.com/evenkeel/evenkeel/image/tool"
)

// built returns what "make test-image" has built, and its version.
func built(t *testing.T) (image, version string) {
	t.Helper()
	image = os.Getenv("EVENKEEL_IMAGE")
	if image == "" {
		t.Skip("EVENKEEL_IMAGE does not name an image: run make test-image")
	}
	return image, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(image), "evenkeel-"), "-amd64.img")
}

func TestImageIsTheSameWhereverItIsBuilt(t *testing.T) {
	image, version := built(t)
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		t.Fatalf("SOURCE_DATE_EPOCH: %v", err)
	}
	// Another folder, another mask, another number of processors, another time.
	defer syscall.Umask(syscall.Umask(0o077))
	o := build.Options{
		Version: version, Evenkeel: "../../dist/evenkeel", Forms: "../../dist/evenkeel-forms", Init: "../../dist/init", Out: t.TempDir(), Work: t.TempDir(),
		Cache: "../../.cache/debian", Epoch: time.Unix(epoch, 0), Formats: []string{"img"}, Processors: 3, Progress: t.Output(),
		Keys: filepath.Join(filepath.Dir(image), "keys"),
	}
	if err := build.Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := (tool.Runner{}).Run(t.Context(), "cmp", image, o.Name("img")); err != nil {
		t.Error(err)
	}
}

func TestImageIsNoLargerThanItMayBe(t *testing.T) {
	image, _ := built(t)
	st, err := os.Stat(image + ".zst")
	if err != nil {
		t.Fatal(err)
	}
	const most = 48 << 20
	t.Logf("measured: img.zst has %.1f MiB", float64(st.Size())/(1<<20))
	if st.Size() > most {
		t.Errorf("img.zst has %d bytes, more than %d", st.Size(), most)
	}
}

func TestFormatThatThereIsNotIsAnError(t *testing.T) {
	err := build.Build(t.Context(), build.Options{Out: t.TempDir(), Formats: []string{"iso"}, Epoch: time.Unix(0, 0)})
	if err == nil || !strings.Contains(err.Error(), `no image format "iso"`) {
		t.Errorf("got %v", err)
	}
}
