package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A printer writes the show in plain ASCII. A step is printed when it begins and its line ended when it is over, so that
// there is always something to see of what takes time.
type printer struct {
	out   io.Writer
	began time.Time
	open  bool // a step's line has not ended
	blank bool // the last line was empty
}

func (p *printer) title(s string) {
	fmt.Fprintf(p.out, "%s\n%s\n", s, strings.Repeat("=", len(s)))
	p.gap()
}

func (p *printer) step(format string, args ...any) {
	fmt.Fprintf(p.out, "[%5.1f s] %s ...", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
	p.open, p.blank = true, false
}

func (p *printer) done(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if s != "" {
		s = " " + s
	}
	fmt.Fprintln(p.out, s)
	p.open = false
}

// fail ends a step's line that is open.
func (p *printer) fail() {
	if p.open {
		fmt.Fprintln(p.out, " failed")
	}
}

func (p *printer) text(s string) {
	p.gap()
	fmt.Fprintln(p.out, s)
	p.blank = false
}

// gap prints an empty line, if there is none.
func (p *printer) gap() {
	if !p.blank {
		fmt.Fprintln(p.out)
	}
	p.blank = true
}

// block prints what somebody else has written, indented, between empty lines.
func (p *printer) block(s string) {
	p.gap()
	for _, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		fmt.Fprintln(p.out, strings.TrimRight("    "+line, " "))
	}
	p.blank = false
	p.gap()
}

// answers prints who answered against the weights.
func (p *printer) answers(counts, weights map[string]int) {
	total, sum := 0, 0
	for _, n := range counts {
		total += n
	}
	for _, w := range weights {
		sum += w
	}
	names := maps.Clone(counts)
	maps.Copy(names, weights)
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %6s %8s %8s %8s\n", "answered", "weight", "expected", "answers", "share")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		share := 0.0
		if total > 0 {
			share = float64(counts[name]) / float64(total)
		}
		bar := strings.Repeat("#", int(share*40+0.5))
		fmt.Fprintf(&b, "%-12s %6d %7.1f%% %8d %7.1f%%  %s\n", name, weights[name],
			100*float64(weights[name])/float64(max(sum, 1)), counts[name], 100*share, bar)
	}
	p.block(b.String())
}
