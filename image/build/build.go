// Package build makes the disk image of the box from Debian's kernel and boot loader and our own programs: without root,
// without loop devices, and the same bytes from the same input.
package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/evenkeel/evenkeel/image/sbom"
	"github.com/evenkeel/evenkeel/image/tool"
)

// Options are what Build needs to know.
type Options struct {
	Version    string
	Evenkeel   string    // the program evenkeel, and below evenkeel-forms and init, all of them static
	Forms      string    //
	Init       string    //
	Out        string    // the folder that gets the results
	Cache      string    // the folder that keeps Debian's packages
	Work       string    // a folder that Build may fill; what it leaves there may be removed
	Epoch      time.Time // the time that everything in the image has (SOURCE_DATE_EPOCH)
	Formats    []string  // of Formats: what is made
	Processors int       // how many to compress with; the result is the same
	Progress   io.Writer
	Keys       string // a folder: the image takes updates that one of its minisign keys (*.pub) has signed; "": none
	// Bundle makes of a slot what a box takes as an update.
	Bundle func(slot, out string) error
}

// Name returns the path of a result by its format: "img.zst".
func (o Options) Name(format string) string {
	return filepath.Join(o.Out, "evenkeel-"+o.Version+"-amd64."+format)
}

type builder struct {
	Options
	packages     map[string]Package
	core, sector []byte // GRUB for BIOS
	made         []string
}

// A step is one part of the work. It returns what is worth knowing of its result.
type step struct {
	name string
	do   func(context.Context) (string, error)
}

// Build makes an image in each of the formats, and says on Progress how far it is.
func Build(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	b := &builder{Options: o}
	steps := []step{
		{"Debian packages", b.fetch},
		{"initramfs", b.initramfs},
		{"root file system", b.root},
		{"slot", b.slot},
		{"boot loader", b.loader},
		{"disk", b.disk},
	}
	for _, f := range o.Formats {
		make, ok := formats[f]
		if !ok {
			return fmt.Errorf("there is no image format %q", f)
		}
		steps = append(steps, step{f, func(ctx context.Context) (string, error) { return b.format(ctx, f, make) }})
	}
	steps = append(steps, step{"list of parts", b.sbom}, step{"checksums", b.checksums})
	begun := time.Now()
	for i, s := range steps {
		fmt.Fprintf(o.Progress, "%2d/%d %s\n", i+1, len(steps), s.name)
		start := time.Now()
		what, err := s.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(o.Progress, "     %.1f s: %s\n", time.Since(start).Seconds(), what)
	}
	fmt.Fprintf(o.Progress, "done in %.0f s: %s\n", time.Since(begun).Seconds(), o.Out)
	return nil
}

func (b *builder) fetch(ctx context.Context) (string, error) {
	packages, err := fetch(ctx, b.Cache, b.Progress)
	b.packages = packages
	return fmt.Sprintf("%d, kernel %s", len(packages), packages[kernelPackage].Version), err
}

// sbom writes the list of what the image is made of.
func (b *builder) sbom(context.Context) (string, error) {
	var parts []sbom.Component
	for _, p := range b.packages {
		parts = append(parts, sbom.Debian(p.Name, p.Version))
	}
	for _, program := range []string{b.Evenkeel, b.Forms, b.Init} {
		list, err := sbom.Modules(program)
		if err != nil {
			return "", err
		}
		parts = append(parts, list...)
	}
	text, err := sbom.Document(b.Version, b.Epoch, parts)
	if err != nil {
		return "", err
	}
	out := b.Name("cdx.json")
	b.made = append(b.made, out)
	return fmt.Sprintf("%d parts", len(parts)), os.WriteFile(out, text, 0o644)
}

// work returns the path of an intermediate result.
func (b *builder) work(name string) string { return filepath.Join(b.Work, name) }

// run runs a program that takes its time from SOURCE_DATE_EPOCH.
func (b *builder) run(ctx context.Context, name string, args ...string) (string, error) {
	return tool.Runner{Env: []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(b.Epoch.Unix(), 10), "MTOOLS_SKIP_CHECK=1"}}.Run(ctx, name, args...)
}

func sha256File(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// size says how large a file is.
func size(path string) string {
	st, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.1f MiB", float64(st.Size())/(1<<20))
}
