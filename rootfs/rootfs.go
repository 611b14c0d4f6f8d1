// Package rootfs has the files of the box that lie in its root file system as they are.
package rootfs

import "embed"

// Files are these files, by their paths in the root file system.
//
//go:embed etc
var Files embed.FS
