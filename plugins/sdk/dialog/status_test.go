package dialog

import (
	"fmt"
	"strings"
	"testing"
)

func TestStatusesAreCodesAndRangesOfThem(t *testing.T) {
	all, ds := ParseStatuses("status", []string{"200-204", "404"})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for code, want := range map[int]bool{199: false, 200: true, 204: true, 205: false, 404: true, 405: false} {
		if all.Has(code) != want {
			t.Errorf("%d is good: %v", code, !want)
		}
	}
}

func TestStatusesThatAreNoneAreRefusedWhereTheyAreWritten(t *testing.T) {
	if _, ds := ParseStatuses("status", nil); len(ds) != 1 || ds[0].Path[0] != "status" {
		t.Errorf("none at all: %v", ds)
	}
	_, ds := ParseStatuses("status", []string{"200", "20", "299-200"})
	var got []string
	for _, d := range ds {
		got = append(got, strings.Join(d.Path, ".")+": "+d.Summary)
	}
	want := []string{"status.1: a status code is a number from 100 to 999", "status.2: the range ends before it begins"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
}

func FuzzStatus(f *testing.F) {
	for _, s := range []string{"200", "200-299", "", "-", "200-", "-200", "099", "1000", "299-200", "２００"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseStatus(s)
		if err != nil {
			return
		}
		if r.first < 100 || r.last > 999 || r.first > r.last {
			t.Fatalf("%q is %+v", s, r)
		}
		written := fmt.Sprintf("%d-%d", r.first, r.last)
		if r.first == r.last {
			written = fmt.Sprint(r.first)
		}
		if written != s && fmt.Sprintf("%d-%d", r.first, r.last) != s {
			t.Fatalf("%q is read as %s", s, written)
		}
	})
}
