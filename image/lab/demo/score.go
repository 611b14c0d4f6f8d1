package demo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// finish prints the table of what was measured and says whether all was well.
func (d *show) finish() error {
	d.text("Measured:")
	var b strings.Builder
	for _, r := range d.measured {
		fmt.Fprintf(&b, "%-44s %10s\n", r.what, r.value)
	}
	d.block(b.String())
	if len(d.wrong) > 0 {
		d.text("What evenkeel said:")
		d.block(d.said)
		return errors.New("not as it should be: " + strings.Join(d.wrong, "; "))
	}
	d.text(fmt.Sprintf("All as it should be, after %.1f s.", time.Since(d.began).Seconds()))
	return nil
}

// log is what evenkeel has written, as far as it got.
func (d *show) log() string {
	if d.stage == nil || d.stage.Core() == nil {
		return "nothing; it was not started"
	}
	return d.stage.Core().Output()
}

func (d *show) expect(ok bool, format string, args ...any) {
	if !ok {
		if d.said == "" { // it may be started again after this
			d.said = d.log()
		}
		d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
	}
}

// checkShares expects answers by weight. Weighted round robin is exact, but a count may begin or end within a round.
func (d *show) checkShares(answers []traffic.Answer, want map[string]int) {
	counts := traffic.Tally(answers)
	total, sum := len(answers), 0
	for _, w := range want {
		sum += w
	}
	for name, w := range want {
		share := float64(total*w) / float64(sum)
		if n := float64(counts[name]); n < share-float64(w)-1 || n > share+float64(w)+1 {
			d.expect(false, "%s answered %d times of %d, want about %.0f; in their order: %s", name, counts[name], total, share, inOrder(answers))
		}
	}
	for name, n := range counts {
		d.expect(want[name] > 0, "%d answers were %s", n, name)
	}
}

func inOrder(answers []traffic.Answer) string {
	var names []string
	for _, a := range answers {
		names = append(names, a.Who)
	}
	return strings.Join(names, " ")
}
