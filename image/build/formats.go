package build

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Formats are what "make image" makes, in the order of their making. "img", the bare image, is for tests.
var Formats = []string{"img.zst", "qcow2", "vmdk", "ova", "slot"}

// formats make a result from what the steps before have left.
var formats = map[string]func(*builder, context.Context, string) error{
	"img":     (*builder).bare,
	"img.zst": (*builder).zstd,
	"qcow2":   (*builder).qcow2,
	"vmdk":    (*builder).vmdk,
	"ova":     (*builder).ova,
	"slot":    func(b *builder, _ context.Context, out string) error { return b.Bundle(b.work("slot"), out) },
}

func (b *builder) format(ctx context.Context, name string, make func(*builder, context.Context, string) error) (string, error) {
	out := b.Name(name)
	if err := make(b, ctx, out); err != nil {
		return "", err
	}
	b.made = append(b.made, out)
	return size(out), nil
}

// bare copies the image with its holes.
func (b *builder) bare(ctx context.Context, out string) error {
	_, err := b.run(ctx, "cp", "--sparse=always", b.work("img"), out)
	return err
}

// zstd compresses the image. Most of it is compressed already: what there is to win are the zeros.
func (b *builder) zstd(ctx context.Context, out string) error {
	_, err := b.run(ctx, "zstd", "-q", "-f", "-12", "-T1", b.work("img"), "-o", out)
	return err
}

// virtualSize is that of the disk of a virtual machine: the data partition gets what the image leaves of it.
const virtualSize = 4 << 30

// virtual returns the image of a disk that is as large as a virtual machine's should be.
func (b *builder) virtual(ctx context.Context) (string, error) {
	out := b.work("virtual")
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	if err := b.bare(ctx, out); err != nil {
		return "", err
	}
	return out, os.Truncate(out, virtualSize)
}

func (b *builder) qcow2(ctx context.Context, out string) error {
	disk, err := b.virtual(ctx)
	if err != nil {
		return err
	}
	_, err = b.run(ctx, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd", disk, out)
	return err
}

// vmdk makes a disk for VMware. qemu-img writes its own file's name and a number by chance into the descriptor: the name is
// made the same by the folder it runs in, the number is replaced.
func (b *builder) vmdk(ctx context.Context, out string) error {
	disk, err := b.virtual(ctx)
	if err != nil {
		return err
	}
	_, err = b.run(ctx, "qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized,adapter_type=lsilogic", disk, out)
	if err != nil {
		return err
	}
	return fixNumber(out)
}

// fixNumber makes the content ID of a VMDK a constant. It stands in the descriptor, which is text in the first sectors.
func fixNumber(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	const key = "\nCID="
	begin := strings.Index(string(head[:n]), key)
	if begin < 0 {
		return fmt.Errorf("%s has no descriptor with a content ID", path)
	}
	begin += len(key)
	text, _, _ := strings.Cut(string(head[begin:n]), "\x00") // it fills its sectors with zeros
	_, rest, _ := strings.Cut(text, "\n")
	fixed := "65766b00\n" + rest // 8 digits; a number by chance may have fewer
	if _, err := f.WriteAt(append([]byte(fixed), make([]byte, max(0, len(text)-len(fixed)))...), int64(begin)); err != nil {
		return err
	}
	return f.Close()
}

// ova packs the disk for VMware and VirtualBox, with a description of the machine.
func (b *builder) ova(ctx context.Context, out string) error {
	disk := b.work("disk.vmdk")
	if err := b.vmdk(ctx, disk); err != nil {
		return err
	}
	st, err := os.Stat(disk)
	if err != nil {
		return err
	}
	name := "evenkeel-" + b.Version
	description := []byte(ovf(name, b.Version, st.Size(), virtualSize))
	sum, err := sha256File(disk)
	if err != nil {
		return err
	}
	manifest := fmt.Sprintf("SHA256(%s.ovf)= %x\nSHA256(%s-disk.vmdk)= %s\n", name, sha256.Sum256(description), name, sum)
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	// The order is the specification's (DSP0243): description, manifest, disks.
	for _, e := range []struct {
		name string
		data []byte
	}{{name + ".ovf", description}, {name + ".mf", []byte(manifest)}} {
		if err := w.WriteHeader(b.entry(e.name, int64(len(e.data)))); err != nil {
			return err
		}
		if _, err := w.Write(e.data); err != nil {
			return err
		}
	}
	in, err := os.Open(disk)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := w.WriteHeader(b.entry(name+"-disk.vmdk", st.Size())); err != nil {
		return err
	}
	if _, err := io.Copy(w, in); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}

func (b *builder) entry(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: 0o644, ModTime: b.Epoch, Format: tar.FormatUSTAR}
}

// checksums writes the SHA-256 of every result, as sha256sum does.
func (b *builder) checksums(context.Context) (string, error) {
	var text strings.Builder
	for _, path := range b.made {
		sum, err := sha256File(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "%s  %s\n", sum, filepath.Base(path))
	}
	return fmt.Sprintf("%d files", len(b.made)), os.WriteFile(b.Name("sha256"), []byte(text.String()), 0o644)
}
