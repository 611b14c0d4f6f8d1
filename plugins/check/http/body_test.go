package http

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// lookAt looks at a text that comes from a reader.
func lookAt(from io.Reader, match, notMatch string) (*seen, error) {
	var one, other *regexp.Regexp
	if match != "" {
		one = regexp.MustCompile(match)
	}
	if notMatch != "" {
		other = regexp.MustCompile(notMatch)
	}
	return (&body{from: from, sha256: sha256.New(), md5: md5.New()}).look(one, other)
}

func TestABodyIsSeenTheSameHoweverLongItIs(t *testing.T) {
	for _, length := range []int{0, 1, atOnce - 1, atOnce, atOnce + 1, 10 * atOnce} {
		text := strings.Repeat("x", length) + "the end\n"
		for _, tt := range []struct {
			match, notMatch string
			want            seen
		}{
			{"", "", seen{}},
			{"the end", "the middle", seen{match: true}},
			{"x*the end\n$", "^the end", seen{match: true, notMatch: length == 0}},
			{"^x", "end$", seen{match: length > 0}},
			{"(?m)^x*the end$", "e{3}", seen{match: true}},
			{"no such", "the end", seen{notMatch: true}},
		} {
			sum256, sum5 := sha256.Sum256([]byte(text)), md5.Sum([]byte(text))
			tt.want.length, tt.want.sha256, tt.want.md5 = int64(len(text)), sum256[:], sum5[:]
			for how, from := range map[string]io.Reader{
				"at once":         strings.NewReader(text),
				"in halves":       iotest.HalfReader(strings.NewReader(text)),
				"the end at once": iotest.DataErrReader(strings.NewReader(text)),
			} {
				got, err := lookAt(from, tt.match, tt.notMatch)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(&tt.want, got, cmp.AllowUnexported(seen{})); d != "" {
					t.Errorf("%d bytes, %s, %q and %q (-want +got):\n%s", length, how, tt.match, tt.notMatch, d)
				}
			}
		}
	}
}

func TestABodyThatBreaksOffIsAnErrorHoweverLongItIs(t *testing.T) {
	broken := errors.New("broken")
	for _, length := range []int{0, 1, atOnce, 10 * atOnce} {
		from := io.MultiReader(strings.NewReader(strings.Repeat("x", length)), iotest.ErrReader(broken))
		if _, err := lookAt(from, "x", "y"); !errors.Is(err, broken) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

func TestALongBodyNeedsLittleMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const long = 2 << 20
	s, err := lookAt(io.LimitReader(endlessReader{}, long), "xyx+$", "y")
	runtime.ReadMemStats(&after)
	if err != nil || s.length != long || s.match || s.notMatch {
		t.Errorf("%+v, %v", s, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > long/4 {
		t.Errorf("%d bytes of memory for a body of %d", used, long)
	}
}

// An endlessReader has the letter x for ever.
type endlessReader struct{}

func (endlessReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// A search in pieces finds what a search in all of it finds.
func FuzzMatch(f *testing.F) {
	f.Add("a+b$", []byte("aab"))
	f.Add("(?m)^b$", []byte("a\nb\nc"))
	f.Add(`\bok\b`, []byte("it is ok\xff\xc3"))
	f.Add("[^a]", []byte("\xff"))
	f.Fuzz(func(t *testing.T, expression string, text []byte) {
		e, err := regexp.Compile(expression)
		if err != nil || len(expression) > 100 {
			return
		}
		m := startMatch(e)
		for p := range slices.Chunk(text, 3) {
			m.write(p)
		}
		if got, want := m.end(), e.Match(text); got != want {
			t.Errorf("%q in %q: %v, should be %v", expression, text, got, want)
		}
	})
}
