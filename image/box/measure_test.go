package box_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// measured is what the tests of this ring have measured, for one table when all are done.
var measured measurements

// A measurements is a table.
type measurements struct {
	mu   sync.Mutex
	rows []string
}

// add adds a row: what was measured, and the numbers.
func (m *measurements) add(what, format string, numbers ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, fmt.Sprintf("  %-42s ", what)+fmt.Sprintf(format, numbers...))
}

func (m *measurements) print(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.rows) > 0 {
		fmt.Fprintf(w, "measured, in QEMU without help of the processor:\n%s\n", strings.Join(m.rows, "\n"))
	}
}
