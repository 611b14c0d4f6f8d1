package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Row is one thing measured of several programs.
type Row struct {
	What    string // with its unit
	Goal    string // what is hoped for; "" for no more than information
	Columns [columns]Series

	met func(*Row) bool // with a Goal
}

// The programs that are compared.
const (
	evenkeel = iota
	keepalived
	ipvsadm
	columns
)

var names = [columns]string{"evenkeel", "keepalived", "ipvsadm -R"}

// Ratio is that of the medians, evenkeel's over keepalived's; false when one of them is missing or keepalived's is 0.
func (r *Row) Ratio() (float64, bool) {
	e, k := r.Columns[evenkeel], r.Columns[keepalived]
	if len(e) == 0 || len(k) == 0 || k.Median() == 0 {
		return 0, false
	}
	return e.Median() / k.Median(), true
}

// A Report collects rows, in the order in which they were first heard of, and says each value as it comes.
type Report struct {
	Log  io.Writer
	rows []*Row
}

// Row returns the row of that name.
func (r *Report) Row(what string) *Row {
	i := slices.IndexFunc(r.rows, func(row *Row) bool { return row.What == what })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, &Row{What: what})
	}
	return r.rows[i]
}

// add puts a value into a row.
func (r *Report) add(what string, column int, v float64) {
	row := r.Row(what)
	row.Columns[column] = append(row.Columns[column], v)
	fmt.Fprintf(r.Log, "  %-62s %-11s %s\n", what, names[column], number(v))
}

// goal says of a row how large the ratio should be at most.
func (r *Report) goal(what string, ratio float64) {
	row := r.Row(what)
	row.Goal = fmt.Sprintf("<= %g", ratio)
	row.met = func(row *Row) bool {
		q, ok := row.Ratio()
		return ok && q <= ratio
	}
}

// most says of a row what evenkeel's largest value should be at most.
func (r *Report) most(what string, limit float64) {
	row := r.Row(what)
	row.Goal = fmt.Sprintf("<= %g", limit)
	row.met = func(row *Row) bool { return row.Columns[evenkeel].Max() <= limit }
}

// count says of a row what evenkeel's value should be, in each run.
func (r *Report) count(what string, want int) {
	row := r.Row(what)
	row.Goal = fmt.Sprint(want)
	row.met = func(row *Row) bool {
		s := row.Columns[evenkeel]
		return s.Min() == float64(want) && s.Max() == float64(want)
	}
}

// Markdown is the table. Its ratios are of the medians.
func (r *Report) Markdown() string {
	cells := [][]string{{"", names[evenkeel], names[keepalived], "ratio", "goal", names[ipvsadm]}}
	for _, row := range r.rows {
		if slices.IndexFunc(row.Columns[:], func(s Series) bool { return len(s) > 0 }) < 0 {
			continue
		}
		ratio, goal := "", row.Goal
		if q, ok := row.Ratio(); ok {
			ratio = fmt.Sprintf("%.2f", q)
		}
		if goal != "" && len(row.Columns[evenkeel]) > 0 {
			if row.met(row) {
				goal += ": met"
			} else {
				goal += ": missed"
			}
		}
		line := []string{row.What, row.Columns[evenkeel].Text(), row.Columns[keepalived].Text(), ratio, goal, row.Columns[ipvsadm].Text()}
		cells = append(cells, line)
	}
	return align(cells)
}

// align writes cells as a markdown table that can be read as it is.
func align(cells [][]string) string {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], len(c), 3)
		}
	}
	var b strings.Builder
	write := func(line []string) {
		for i, c := range line {
			fmt.Fprintf(&b, "| %-*s ", widths[i], c)
		}
		b.WriteString("|\n")
	}
	write(cells[0])
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
	}
	write(rule)
	for _, line := range cells[1:] {
		write(line)
	}
	return b.String()
}
