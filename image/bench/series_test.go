package bench

import "testing"

func TestMedianOfAnOddAndAnEvenNumberOfValues(t *testing.T) {
	for _, c := range []struct {
		s    Series
		want float64
	}{
		{Series{3, 1, 2}, 2},
		{Series{4, 1, 3, 2}, 2.5},
		{Series{5}, 5},
		{nil, 0},
	} {
		if got := c.s.Median(); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.s, got, c.want)
		}
	}
}

func TestStatisticsLeaveTheOrderOfTheRunsAlone(t *testing.T) {
	s := Series{3, 1, 2}
	if s.Median(); s[0] != 3 || s[1] != 1 || s[2] != 2 {
		t.Errorf("the series became %v", s)
	}
}

func TestTextIsMinMedianMaxWithThreeDigits(t *testing.T) {
	for _, c := range []struct {
		s    Series
		want string
	}{
		{Series{1.2345, 0.98765, 12.345}, "0.988 / 1.23 / 12.3"},
		{Series{0.01234, 0.01234, 123.4}, "0.0123 / 0.0123 / 123"},
		{Series{0, 1, 11000}, "0 / 1 / 11000"},
		{nil, "-"},
	} {
		if got := c.s.Text(); got != c.want {
			t.Errorf("%v: %q, want %q", []float64(c.s), got, c.want)
		}
	}
}
