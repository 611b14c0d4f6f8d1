package process

import (
	"bufio"
	"io"
)

// copyLines writes each line that it reads with one Write, its end included: what has a record per Write, as /dev/kmsg,
// then has one per line. A line that is very long is cut in pieces.
func copyLines(w io.Writer, r io.Reader) {
	const longest = 900 // /dev/kmsg takes 1024 bytes less what is put before them
	b := bufio.NewReaderSize(r, longest)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			if line[len(line)-1] != '\n' {
				line = append(append([]byte(nil), line...), '\n')
			}
			_, _ = w.Write(line) // whoever listens may be gone; the process has to go on
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}
