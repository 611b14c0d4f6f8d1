package box_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// page is where a person reads what a box will show.
const page = "../../docs/appliance.md"

// screen returns the lines of a screen of the page.
func screen(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "<!-- image: "+name+" -->\n```text\n")
	block, _, ended := strings.Cut(after, "```\n")
	if !found || !ended {
		t.Fatalf("%s has no screen %q", page, name)
	}
	return strings.Split(block, "\n")
}

// varying is what is another one each time: a version, a pairing code, a span of time, a number.
var varying = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`evenkeel \S+ on`), "evenkeel VERSION on"},
	{regexp.MustCompile(`[0-9A-Z]{4}(-[0-9A-Z]{4}){3}`), "CODE"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(h|ms|m|s))+\b`), "TIME"},
	{regexp.MustCompile(`\d+`), "N"},
	{regexp.MustCompile(`-{3,}`), "---"}, // a line to the edge of the screen
	{regexp.MustCompile(`\s+`), " "},
}

func plain(line string) string {
	for _, v := range varying {
		line = v.pattern.ReplaceAllString(line, v.with)
	}
	return strings.TrimSpace(line)
}

// isDocumented checks that the console has shown all lines of a screen of the page, in their order. "..." stands for what is
// left out there.
func (s *session) isDocumented(name string) {
	s.t.Helper()
	rest := strings.Split(s.Text(0), "\n")
next:
	for _, want := range screen(s.t, name) {
		if strings.TrimSpace(want) == "..." || strings.TrimSpace(want) == "" {
			continue
		}
		for i, line := range rest {
			if plain(line) == plain(want) {
				rest = rest[i+1:]
				continue next
			}
		}
		s.t.Errorf("%s shows, in the screen %q, a line that the console has not, or not there: %q", page, name, want)
		return
	}
}
