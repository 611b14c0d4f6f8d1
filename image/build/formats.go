package build

import (
	"context"
	"io"
	"os"
)

// Formats are what "make image" makes. "img", the bare image, is for tests.
var Formats = []string{"img.zst", "slot"}

// formats make a result from what the steps before have left.
var formats = map[string]func(*builder, context.Context, string) error{
	"img":     func(b *builder, ctx context.Context, out string) error { return b.copySparse(ctx, out) },
	"img.zst": (*builder).zstd,
	"slot":    func(b *builder, _ context.Context, out string) error { return copyFile(b.work("slot"), out) },
}

func (b *builder) format(ctx context.Context, name string, make func(*builder, context.Context, string) error) (string, error) {
	out := b.Name(name)
	if err := make(b, ctx, out); err != nil {
		return "", err
	}
	b.made = append(b.made, out)
	return size(out), nil
}

// copySparse copies the image with its holes.
func (b *builder) copySparse(ctx context.Context, out string) error {
	_, err := b.run(ctx, "cp", "--sparse=always", b.work("img"), out)
	return err
}

// zstd compresses the image. Most of it is compressed already: what there is to win are the zeros.
func (b *builder) zstd(ctx context.Context, out string) error {
	_, err := b.run(ctx, "zstd", "-q", "-f", "-12", "-T1", b.work("img"), "-o", out)
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
