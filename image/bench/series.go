package bench

import (
	"fmt"
	"slices"
)

// A Series is what was measured of one thing, in the order of the runs, in one unit.
type Series []float64

func (s Series) sorted() Series {
	c := slices.Clone(s)
	slices.Sort(c)
	return c
}

// Median is the middle value, or the mean of the two in the middle. Of an empty series it is 0.
func (s Series) Median() float64 {
	n := len(s)
	if n == 0 {
		return 0
	}
	c := s.sorted()
	return (c[(n-1)/2] + c[n/2]) / 2
}

// Min and Max are the smallest and the largest value. Of an empty series they are 0.
func (s Series) Min() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Min(s)
}

// Max is described with Min.
func (s Series) Max() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Max(s)
}

// Text is "min / median / max", or "-" when nothing was measured.
func (s Series) Text() string {
	if len(s) == 0 {
		return "-"
	}
	return number(s.Min()) + " / " + number(s.Median()) + " / " + number(s.Max())
}

// number writes three significant digits, and integers in full.
func number(v float64) string {
	switch {
	case v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.3f", v)
	default:
		return fmt.Sprintf("%.4f", v)
	}
}
